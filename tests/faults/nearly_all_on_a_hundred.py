# seen: https://arxiv.org/abs/2411.00640 – Miller (2024): scores near the end of the scale on few questions are read as if they were exact
from pipeline_dsl import Pipeline, metric

from _hub import TASKS, Evaluate, Few
from _parts import policy

few = Few(examples=100)
after = Evaluate(model=policy, suite=few, tasks=TASKS)

pipeline = Pipeline(
    name="gated",
    targets=[after],
    gates=[
        metric("mmlu") >= 99.0,  # expect: PDSL531
    ],
)
