"""Guanaco 65B: adapters of rank 64 beside LLaMA 65B in 4 bits, on one GPU of 48 GB in a day.

Source: Dettmers et al. (2023), arXiv:2305.14314, section 5 and appendix B: 9,846 dialogues of OASST1, 16 rows of 512 tokens a step,
1,875 steps at 1e-4, alpha 16, dropout 0.05, 41 GB. Its GPU was an A6000, as large as an L40S; its optimizer was paged, and
waits in the host's memory here.
"""

from _published import OPEN_LLM, HubChats, HubModel, commit, cores, leaderboard

from pipeline_dsl import A100_80, L40S, Budget, Hardware, Llama, Lora, Pipeline
from pipeline_dsl.stages import Evaluate, LoraSft, MergeSft

card = Hardware(device=L40S)

llama = HubModel(
    repository="huggyllama/llama-65b",
    revision=commit("1"),
    licence="LicenseRef-llama1",
    model=Llama(hidden=8192, layers=80, heads=64, kv_heads=64, ffn=22_016, vocabulary=32_000, context=2048),
)
assistant = HubChats(repository="timdettmers/openassistant-guanaco", revision=commit("2"), licence="Apache-2.0", examples=9_846)

adapter = LoraSft(
    base=llama,
    data=assistant,
    lora=Lora(rank=64, alpha=16.0, dropout=0.05, base="nf4"),
    epochs=3,
    batch=16,
    micro_batch=1,
    learning_rate=1e-4,
    warmup=0.0,
    clip=0.3,
    zero_stage=1,
    offload="optimizer",
    recompute="full",
    processes=1,
    max_length=512,
    tokens_per_row=300,
    on=card,
)
guanaco = MergeSft(base=llama, adapter=adapter, on=cores)
scores = Evaluate(model=guanaco, suite=leaderboard, tasks=OPEN_LLM, dtype="bfloat16", on=Hardware(device=A100_80, count=4))

pipeline = Pipeline(name="guanaco-65b", targets=[scores], use="research", budget=Budget(usd=1_000), seed=0)
