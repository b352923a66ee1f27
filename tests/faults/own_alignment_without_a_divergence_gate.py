# seen: tests/good/zephyr.py, with its alignment and its gates broken: a loss of the team's own, and nothing asks how far the policy moved
from pipeline_dsl import Budget, Pipeline, Policy, Positive, Preferences, Ref, SftModel, Size, Sizes, Stage, Workspace, baseline, metric
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, before, judged, sft, suite


class Simpo(Stage[Policy]):
    """Preference training without a reference, of a type that does not say `aligns = True`."""

    policy: Ref[SftModel]
    data: Ref[Preferences]
    learning_rate: Positive = 1e-6
    kl_budget: Positive = 10.0

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


preferred = Simpo(policy=sft, data=judged)
after = Evaluate(model=preferred, suite=suite, tasks=TASKS)

pipeline = Pipeline(
    name="assistant",
    targets=[after],
    ships=preferred,
    gates=[metric("mmlu") >= baseline - 1, metric("safety_violation_rate") <= 0.05, metric("cost_total_usd") <= 1_000],  # expect: PDSL501
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
