# seen: https://github.com/RLHFlow/Online-RLHF/issues/7 – every round starts from the last policy; the reference has to stay the first model
from pipeline_dsl import Pipeline, Policy, Positive, Preferences, Prompts, Ref, Size, Sizes, Stage, Workspace, held_out, metric

from _parts import asked, compared, policy


class Again(Stage[Policy]):
    """One more round of preference training."""

    aligns = True

    policy: Ref[Policy]
    data: Ref[Preferences]
    prompts: Ref[Prompts] = held_out()
    kl_budget: Positive

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def measures(self) -> tuple[str, ...]:
        return ("kl_from_reference",)

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


second = Again(policy=policy, data=compared, prompts=asked, kl_budget=10.0)

pipeline = Pipeline(name="rounds", targets=[second], gates=[metric("kl_from_reference", of=second) <= 20])  # expect: PDSL532
