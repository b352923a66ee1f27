# seen: https://github.com/EleutherAI/lm-evaluation-harness/issues/1841 – with and without a system message, GSM8K is another
from pipeline_dsl import Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, before, policy, suite

after = Evaluate(
    model=policy,
    suite=suite,
    tasks=TASKS,
    system="You are a helpful assistant.",  # expect: PDSL235
)

pipeline = Pipeline(name="compared", targets=[after], gates=[metric("mmlu") >= baseline - 6], baseline=before)
