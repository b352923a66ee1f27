"""Tülu 3 8B: supervised fine-tuning, DPO on mixed preferences, and reinforcement learning with verifiable rewards.

Source: Lambert et al. (2024), arXiv:2411.15124, sections 4 to 6: SFT with 5e-6, 128 rows of 4,096 tokens, two epochs over 939,344
prompts; length-normalized DPO with 5e-7 and beta 5, 128 pairs of 2,048 tokens, one epoch; RLVR with 3e-7 and beta 0.05.
The bounds on divergence are ours.
"""

from collections.abc import Iterable

from _published import (
    OPEN_LLM,
    SAFETY,
    HubChats,
    HubModel,
    HubPairs,
    HubPrompts,
    commit,
    leaderboard,
    red_team,
)

from pipeline_dsl import (
    H100,
    Budget,
    Count,
    Hardware,
    Llama,
    Pipeline,
    Policy,
    Positive,
    Prompts,
    Ref,
    SftModel,
    Size,
    Sizes,
    Stage,
    Work,
    Workspace,
    baseline,
    held_out,
    metric,
)
from pipeline_dsl.base.units import Flops
from pipeline_dsl.stages import Dpo, Evaluate, Sft


class LengthNormalizedDpo(Dpo):
    """DPO on the mean log-probability of a token, whose beta is an order above that of sums (Meng et al., 2024, arXiv:2405.14734)."""


class Rlvr(Stage[Policy]):
    """PPO whose reward is whether the answer is right."""

    aligns = True

    policy: Ref[Policy]
    reference: Ref[SftModel]
    prompts: Ref[Prompts]
    held: Ref[Prompts] = held_out()
    learning_rate: Positive
    beta: Positive
    episodes: Count
    answer: Count
    """Tokens of an answer, at most."""
    kl_budget: Positive

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def cost(self, sizes: Sizes) -> Work:
        model = sizes[self.policy].model
        if model is None:
            return Work(unknown="the model's size")
        # Generated, scored by policy, reference and value model, and learnt from by two of them.
        return Work(flops=Flops((2 + 3 * 2 + 2 * 6) * model.active_parameters * self.episodes * self.answer))

    def measures(self) -> Iterable[str]:
        return ("kl_from_reference",)

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


node = Hardware(device=H100, count=8)

llama = HubModel(
    repository="meta-llama/Llama-3.1-8B",
    revision=commit("1"),
    licence="LicenseRef-llama3.1",
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=8, ffn=14_336, vocabulary=128_256, context=131_072),
)
mixture = HubChats(repository="allenai/tulu-3-sft-mixture", revision=commit("2"), licence="ODC-By-1.0", examples=939_344)
pairs = HubPairs(repository="allenai/llama-3.1-tulu-3-8b-preference-mixture", revision=commit("3"), licence="ODC-By-1.0", examples=272_898)
unseen = HubPairs(repository="allenai/ultrafeedback_binarized_cleaned", revision=commit("3"), licence="MIT", examples=2_000, part="test")
verifiable = HubPrompts(
    repository="allenai/RLVR-GSM-MATH-IF-Mixed-Constraints", revision=commit("4"), licence="ODC-By-1.0", examples=29_946
)
asked = HubPrompts(repository="allenai/ultrafeedback_binarized_cleaned", revision=commit("3"), licence="MIT", examples=2_000, part="test")

sft = Sft(
    base=llama,
    data=mixture,
    epochs=2,
    batch=128,
    micro_batch=1,
    learning_rate=5e-6,
    warmup=0.03,
    zero_stage=3,
    recompute="full",
    processes=32,
    max_length=4096,
    tokens_per_row=700,
    on=Hardware(device=H100, count=8, nodes=4),
)
dpo = LengthNormalizedDpo(
    policy=sft,
    data=pairs,
    held=unseen,
    prompts=asked,
    beta=5.0,
    epochs=1,
    batch=128,
    micro_batch=1,
    learning_rate=5e-7,
    warmup=0.1,
    zero_stage=3,
    recompute="full",
    processes=8,
    max_length=2048,
    tokens_per_row=600,
    kl_budget=60.0,
    on=node,
)
rlvr = Rlvr(
    policy=dpo,
    reference=sft,
    prompts=verifiable,
    held=asked,
    learning_rate=3e-7,
    beta=0.05,
    episodes=100_000,
    answer=2048,
    kl_budget=40.0,
    on=node,
)
before = Evaluate(model=sft, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node)
after = Evaluate(model=rlvr, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node)
safety = Evaluate(model=rlvr, suite=red_team, tasks=SAFETY, dtype="bfloat16", on=node)

pipeline = Pipeline(
    name="tulu3-8b",
    targets=[after, safety],
    ships=rlvr,
    baseline=before,
    gates=[
        metric("mmlu") >= baseline - 2,
        metric("gsm8k") >= baseline + 5,
        metric("safety_violation_rate") <= 0.2,
        metric("kl_from_reference", of=rlvr) <= 100,
        metric("cost_total_usd") <= 6_000,
    ],
    budget=Budget(usd=8_000, kl=100),
    use="research",
    seed=1,
)
