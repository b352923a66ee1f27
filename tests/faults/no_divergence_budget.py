# seen: https://github.com/huggingface/trl/issues/1884 – a few DPO steps took the model so far that it answered at random
"""What ships must say how far the stage may move the policy."""

from pipeline_dsl import Budget, Pipeline, Policy, Preferences, Ref, SftModel, Size, Sizes, Stage, Workspace, baseline, metric
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, before, judged, sft, suite


class Prefer(Stage[Policy]):
    aligns = True

    policy: Ref[SftModel]
    data: Ref[Preferences]
    kl_budget: float | None = None

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def measures(self) -> tuple[str, ...]:
        return ("kl_from_reference",)

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


policy = Prefer(policy=sft, data=judged)  # expect: PDSL505
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
