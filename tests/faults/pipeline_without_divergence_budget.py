# seen: https://github.com/huggingface/open-r1/issues/373 – KL jumped while the format reward rose, and the run was lost
from pipeline_dsl import Budget, Pipeline, baseline, metric

from _parts import after, before, server

pipeline = Pipeline(
    name="assistant",
    targets=[server, after],
    gates=[
        metric("mmlu") >= baseline - 1,
        metric("safety_violation_rate") <= 0.05,
        metric("cost_total_usd") <= 500,
        metric("kl_from_reference") <= 25,
    ],
    baseline=before,
    budget=Budget(usd=1_000),  # expect: PDSL505
)
