# seen: https://github.com/jingyaogong/minimind/pull/840 – 500 questions tell models apart by about two points, and differences of one were read
from pipeline_dsl import Pipeline, baseline, metric

from _hub import TASKS, Evaluate, Few
from _parts import policy, sft

few = Few(examples=500)
before = Evaluate(model=sft, suite=few, tasks=TASKS)
after = Evaluate(model=policy, suite=few, tasks=TASKS)

pipeline = Pipeline(
    name="gated",
    targets=[after],
    baseline=before,
    gates=[
        metric("mmlu") >= baseline + 1.0,  # expect: PDSL530
    ],
)
