# seen: https://github.com/rjmurillo/moq.analyzers/issues/1266 – a gate whose two sides could not differ, and so passed
from pipeline_dsl import Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, policy, suite

before = Evaluate(model=policy, suite=suite, tasks=TASKS)
after = Evaluate(model=policy, suite=suite, tasks=TASKS, batch=64)

pipeline = Pipeline(
    name="compared",
    targets=[after],
    gates=[metric("mmlu") >= baseline - 6],  # expect: PDSL244
    baseline=before,
)
