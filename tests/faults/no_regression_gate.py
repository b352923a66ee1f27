# seen: https://github.com/mozilla/bugbug/issues/853 – figures were compared by date, not with the version that a new model replaces
from pipeline_dsl import Budget, Pipeline, metric

from _parts import after, server

pipeline = Pipeline(
    name="assistant",
    targets=[server, after],
    gates=[  # expect: PDSL501
        metric("mmlu") >= 50,
        metric("safety_violation_rate") <= 0.05,
        metric("cost_total_usd") <= 500,
        metric("kl_from_reference") <= 25,
    ],
    budget=Budget(usd=1_000, kl=25),
)
