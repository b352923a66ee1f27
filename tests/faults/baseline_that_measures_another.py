# seen: https://github.com/rjmurillo/moq.analyzers/issues/1266 – baseline and candidate held different benchmarks; the gate compared none and passed
from pipeline_dsl import Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, Task

from _parts import after, sft, suite

before = Evaluate(model=sft, suite=suite, tasks=(Task(name="gsm8k"),))

pipeline = Pipeline(
    name="compared",
    targets=[after],
    gates=[metric("mmlu") >= baseline],  # expect: PDSL514
    baseline=before,
)
