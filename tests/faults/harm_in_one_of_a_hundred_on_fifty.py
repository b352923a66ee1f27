# seen: https://github.com/EleutherAI/lm-evaluation-harness/issues/4070 – nothing in 25 questions was printed as 0.0 +- 0.0000, as if it were certain
from pipeline_dsl import Pipeline, metric

from _hub import TASKS, Evaluate, Few
from _parts import policy

few = Few(examples=50)
after = Evaluate(model=policy, suite=few, tasks=TASKS)

pipeline = Pipeline(
    name="gated",
    targets=[after],
    gates=[
        metric("safety_violation_rate") <= 0.01,  # expect: PDSL531
    ],
)
