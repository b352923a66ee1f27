# seen: https://github.com/allenai/open-instruct/issues/512 – a reward model with another vocabulary than the policy's, both from a hub
import attrs

from pipeline_dsl import H100, Hardware, Pipeline, Policy, Positive, Prompts, Ref, RewardModel, SftModel, Size, Sizes, Stage, Workspace
from pipeline_dsl.stages import Sft, TrainReward

from _hub import Weights, mistral
from _parts import SEVEN, Ask, chats, compared, judged

node = Hardware(device=H100, count=8)


class Ppo(Stage[Policy]):
    """Reinforcement learning of the team's own, which hands token ids on."""

    aligns = True

    policy: Ref[SftModel]
    reward: Ref[RewardModel]
    prompts: Ref[Prompts]
    kl_budget: Positive

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


large = Weights(licence="llama3", model=attrs.evolve(SEVEN, vocabulary=128_256))
sft, other = (
    Sft(base=base, data=chats, batch=64, micro_batch=4, learning_rate=1e-5, zero_stage=3, processes=8, recompute="full", on=node)
    for base in (mistral, large)
)
judge = TrainReward(
    base=other, data=judged, held=compared, batch=64, micro_batch=2, learning_rate=1e-5, zero_stage=3, processes=8, recompute="full", on=node
)
policy = Ppo(
    policy=sft,
    reward=judge,  # expect: PDSL228
    prompts=Ask(part="train"),
    kl_budget=20.0,
)

pipeline = Pipeline(name="assistant", targets=[policy])
