"""Rejection sampling: the best of sixteen answers by an average of reward models teaches the base model again.

Source: Touvron et al. (2023), arXiv:2307.09288, section 3.2.3, and Ramé et al. (2024), arXiv:2401.12187: rewards of three seeds,
their weights averaged. Learning rates are those of Tülu 3 (Lambert et al., 2024, arXiv:2411.15124).
"""

from _published import OPEN_LLM, HubChats, HubModel, HubPairs, HubPrompts, commit, leaderboard

from pipeline_dsl import H100, Chats, Count, Hardware, Llama, Pipeline, Prompts, Ref, RewardModel, SftModel, Size, Sizes, Stage, Workspace
from pipeline_dsl.stages import Evaluate, Sft, TrainReward


class AverageRewards(Stage[RewardModel]):
    """Mean of the weights of reward models that differ in their seed."""

    models: tuple[Ref[RewardModel], ...]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.models[0]]

    def run(self, work: Workspace) -> RewardModel:
        raise NotImplementedError


class BestOf(Stage[Chats]):
    """The answer of `count` that is rewarded most."""

    model: Ref[SftModel]
    reward: Ref[RewardModel]
    prompts: Ref[Prompts]
    count: Count = 16

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=29_946)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Mixed(Stage[Chats]):
    """Several sets of conversations as one."""

    parts: tuple[Ref[Chats], ...]

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=237_811)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


node = Hardware(device=H100, count=8)
llama = HubModel(
    repository="meta-llama/Llama-3.1-8B",
    revision=commit("1"),
    licence="LicenseRef-llama3.1",
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=8, ffn=14_336, vocabulary=128_256, context=131_072),
)
chats = HubChats(repository="HuggingFaceH4/ultrachat_200k", revision=commit("2"), licence="MIT", examples=207_865)
pairs = HubPairs(repository="HuggingFaceH4/ultrafeedback_binarized", revision=commit("3"), licence="MIT", examples=61_135)
unseen = HubPairs(repository="HuggingFaceH4/ultrafeedback_binarized", revision=commit("3"), licence="MIT", examples=2_000, part="test")
asked = HubPrompts(repository="allenai/tulu-3-sft-prompts", revision=commit("4"), licence="ODC-By-1.0", examples=29_946)


def taught(data: Ref[Chats]) -> Sft:
    """The base model, taught by conversations."""
    return Sft(
        base=llama,
        data=data,
        epochs=2,
        batch=128,
        micro_batch=1,
        learning_rate=5e-6,
        zero_stage=3,
        recompute="full",
        processes=8,
        max_length=2048,
        tokens_per_row=700,
        on=node,
    )


first = taught(chats)
rewards = tuple(
    TrainReward(
        name=f"reward-{seed}",
        base=first,
        data=pairs,
        held=unseen,
        seed=seed,
        batch=128,
        micro_batch=1,
        learning_rate=3e-6,
        zero_stage=3,
        recompute="full",
        processes=8,
        max_length=2048,
        tokens_per_row=600,
        on=node,
    )
    for seed in range(3)
)
second = taught(Mixed(parts=(chats, BestOf(model=first, reward=AverageRewards(models=rewards), prompts=asked))))
scores = [Evaluate(model=model, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node) for model in (first, second)]

pipeline = Pipeline(name="rejection-sampling", targets=scores, use="research", seed=1)
