# seen: https://github.com/HumanEval-V/HumanEval-V-Benchmark/issues/2 – on about a hundred problems nobody gets the same figure twice
from pipeline_dsl import Pipeline, baseline, metric

from _hub import TASKS, Evaluate, Few
from _parts import policy, sft

few = Few(examples=108)
before = Evaluate(model=sft, suite=few, tasks=TASKS)
after = Evaluate(model=policy, suite=few, tasks=TASKS)

pipeline = Pipeline(
    name="gated",
    targets=[after],
    baseline=before,
    gates=[
        metric("mmlu") >= baseline - 1.0,  # expect: PDSL530
    ],
)
