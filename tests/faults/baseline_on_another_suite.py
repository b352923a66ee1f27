# seen: https://github.com/EleutherAI/lm-evaluation-harness/pull/2034 – two leaderboards, two GSM8K, 0.20 and 0.69
from pipeline_dsl import Count, Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate

import _parts
from _parts import TASKS, before, policy


class Questions(_parts.Questions):
    """As they were asked in a year."""

    year: Count


after = Evaluate(
    model=policy,
    suite=Questions(year=2026),  # expect: PDSL235
    tasks=TASKS,
)

pipeline = Pipeline(name="compared", targets=[after], gates=[metric("mmlu") >= baseline - 6], baseline=before)
