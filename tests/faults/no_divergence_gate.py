# seen: https://github.com/huggingface/trl/issues/204 – the reward converged, KL grew, and in the end every answer was the same
from pipeline_dsl import Budget, Pipeline, baseline, metric

from _parts import after, before, policy

pipeline = Pipeline(
    name="assistant",
    targets=[policy, after],
    ships=policy,
    gates=[metric("mmlu") >= baseline - 1, metric("safety_violation_rate") <= 0.05, metric("cost_total_usd") <= 500],  # expect: PDSL501
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
