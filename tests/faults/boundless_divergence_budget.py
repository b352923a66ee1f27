# seen: https://github.com/AFixt/cookie-banner/issues/128 – a threshold was set to a value that can never fail
from pipeline_dsl import Budget, Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, Dpo, asked, before, compared, judged, sft, suite

policy = Dpo(
    policy=sft,
    data=judged,
    held=compared,
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=float("inf"),  # expect: PDSL204
)
after = Evaluate(model=policy, suite=suite, tasks=TASKS)

pipeline = Pipeline(
    name="assistant",
    targets=[after],
    ships=policy,
    gates=[
        metric("mmlu") >= baseline - 1,
        metric("safety_violation_rate") <= 0.05,
        metric("cost_total_usd") <= 500,
        metric("kl_from_reference") <= 25,
    ],
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
