# seen: tests/good/shipping.py, with what ships broken: the scores are named, and not the model that they are about
from pipeline_dsl import Budget, Pipeline, Release, baseline, metric

from _parts import after

pipeline = Pipeline(
    name="assistant",
    targets=[after],
    ships=after,  # expect: PDSL201
    gates=[
        metric("mmlu") >= baseline - 1,
        metric("safety_violation_rate") <= 0.05,
        metric("kl_from_reference") <= 25,
        metric("cost_total_usd") <= 1_000,
    ],
    baseline=Release(manifest="releases/1.0.0/manifest.yaml"),
    budget=Budget(usd=1_000, kl=25),
)
