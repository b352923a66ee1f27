"""Zephyr-7B by QLoRA, both of its steps on one GPU of 24 GB.

Source: huggingface/alignment-handbook, recipes/zephyr-7b-beta, config_qlora.yaml of `sft` and `dpo`: rank 16 and 2e-4 over UltraChat
in rows of 2,048, then rank 128, 5e-6 and beta 0.01 over UltraFeedback in rows of 1,024, one epoch each. Rows of one pass are
fewer here, since the recipe had 80 GB.
"""

from _published import OPEN_LLM, HubChats, HubModel, HubPairs, HubPrompts, commit, leaderboard

from pipeline_dsl import RTX_4090, Budget, Hardware, Llama, Lora, Pipeline
from pipeline_dsl.stages import Evaluate, LoraDpo, LoraSft, MergePolicy, MergeSft

card = Hardware(device=RTX_4090)

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

answers = LoraSft(
    base=mistral,
    data=chats,
    lora=Lora(rank=16, alpha=16.0, dropout=0.05, base="nf4"),
    epochs=1,
    batch=16,
    micro_batch=1,
    learning_rate=2e-4,
    warmup=0.1,
    zero_stage=0,
    recompute="full",
    max_length=2048,
    tokens_per_row=1200,
)
sft = MergeSft(base=mistral, adapter=answers)
prefers = LoraDpo(
    policy=sft,
    data=pairs,
    held=unseen,
    prompts=asked,
    lora=Lora(rank=128, alpha=128.0, dropout=0.05, base="nf4"),
    beta=0.01,
    epochs=1,
    batch=32,
    micro_batch=1,
    learning_rate=5e-6,
    warmup=0.1,
    zero_stage=0,
    recompute="full",
    max_length=1024,
    tokens_per_row=512,
    kl_budget=100.0,
)
policy = MergePolicy(base=sft, adapter=prefers)
scores = Evaluate(model=policy, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16")

pipeline = Pipeline(name="zephyr-qlora", targets=[scores], use="research", budget=Budget(usd=500, kl=100), on=card, seed=42)
