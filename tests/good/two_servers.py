"""Two sets of one policy's weights for two engines, and two servers; the variants that were tried are compared on a suite of their own.

Source: QLoRA-sized adapters as in the recipes of Zephyr (Tunstall et al., 2023, arXiv:2310.16944), rates from a sweep.
"""

import numpy as np
from _published import OPEN_LLM, SAFETY, Harness, HubChats, HubModel, HubPairs, HubPrompts, commit, leaderboard, red_team

from pipeline_dsl import H100, Budget, Hardware, Llama, Lora, Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, LoraDpo, LoraSft, MergePolicy, MergeSft, Quantize, Serve, Task

node = Hardware(device=H100, count=8)
one = Hardware(device=H100)

mistral = HubModel(
    repository="mistralai/Mistral-7B-v0.1",
    revision=commit("1"),
    licence="Apache-2.0",
    model=Llama(hidden=4096, layers=32, heads=32, kv_heads=8, ffn=14_336, vocabulary=32_000, context=32_768),
)
chats = HubChats(repository="HuggingFaceH4/ultrachat_200k", revision=commit("2"), licence="MIT", examples=207_865)
pairs = HubPairs(repository="HuggingFaceH4/ultrafeedback_binarized", revision=commit("3"), licence="MIT", examples=61_135)
unseen = HubPairs(repository="HuggingFaceH4/ultrafeedback_binarized", revision=commit("3"), licence="MIT", examples=2_000, part="test")
asked = HubPrompts(repository="HuggingFaceH4/ultrafeedback_binarized", revision=commit("3"), licence="MIT", examples=2_000, part="test")
looked = Harness(revision=commit("e"), tasks=("mmlu_pro",), examples=12_032)

adapter = LoraSft(
    base=mistral,
    data=chats,
    lora=Lora(rank=64, alpha=128),
    learning_rate=2e-4,
    batch=64,
    micro_batch=2,
    recompute="full",
    max_length=2048,
    tokens_per_row=1200,
    on=one,
)
sft = MergeSft(base=mistral, adapter=adapter)
tried = {
    float(rate): MergePolicy(
        base=sft,
        adapter=LoraDpo(
            policy=sft,
            data=pairs,
            held=unseen,
            prompts=asked,
            lora=Lora(rank=64, alpha=128),
            learning_rate=rate,
            batch=64,
            micro_batch=2,
            recompute="full",
            max_length=2048,
            tokens_per_row=512,
            kl_budget=20.0,
            on=one,
        ),
    )
    for rate in np.linspace(2e-6, 6e-6, 3)
}
compared = [
    Evaluate(model=policy, suite=looked, tasks=(Task(name="mmlu_pro", shots=5),), dtype="bfloat16", on=node) for policy in tried.values()
]
policy = tried[2e-6]
before = Evaluate(model=sft, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node)
after = Evaluate(model=policy, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=node)
safety = Evaluate(model=policy, suite=red_team, tasks=SAFETY, dtype="bfloat16", on=node)
packed = Quantize(model=policy, calibration=chats, suite=looked, tasks=(Task(name="mmlu_pro", shots=5),), on=one)
engine = Quantize(model=policy, calibration=chats, suite=looked, tasks=(Task(name="mmlu_pro", shots=5),), runtime="tensorrt-llm", on=one)
small = Serve(name="chat-small", model=packed, prompts=asked, blocks=512, on=one)
full = Serve(name="chat-full", model=policy, prompts=asked, dtype="bfloat16", blocks=512, on=one)

pipeline = Pipeline(
    name="two-servers",
    targets=[*compared, after, safety, engine, small, full],
    baseline=before,
    gates=[
        metric("mmlu") >= -2 + baseline,
        metric("safety_violation_rate") <= 0.1,
        metric("safety_refusal_rate") <= 0.2,
        metric("kl_from_reference", of=policy) <= 20,
        metric("cost_total_usd") <= 5_000,
    ],
    budget=Budget(usd=5_000, kl=20),
    use="commercial",
    on=one,
)
