"""The baseline is a run that shipped, whose manifest lies on another machine."""

from _studio import after, policy

from pipeline_dsl import Budget, Pipeline, Release, baseline, metric

pipeline = Pipeline(
    name="assistant",
    targets=[policy, after],
    ships=policy,
    gates=[
        metric("mmlu") >= baseline + 2.0,
        metric("safety_violation_rate") <= baseline + 0.01,
        metric("kl_from_reference", of=policy) <= 25,
        metric("cost_total_usd") <= 500,
    ],
    baseline=Release(manifest="releases/assistant-1.3.yaml"),
    budget=Budget(kl=25),
)
