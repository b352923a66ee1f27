# seen: https://github.com/aws/aws-parallelcluster/issues/3205 – an expensive cluster, and nothing that stops it at a sum
from pipeline_dsl import Budget, Pipeline, baseline, metric

from _parts import after, before, server

pipeline = Pipeline(
    name="assistant",
    targets=[server, after],
    gates=[metric("mmlu") >= baseline - 1, metric("safety_violation_rate") <= 0.05, metric("kl_from_reference") <= 25],  # expect: PDSL501
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
