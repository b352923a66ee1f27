# seen: https://github.com/InternLM/xtuner/issues/88 – QLoRA of Llama-2-70B with a whole model on each 40 GB card
from pipeline_dsl import A100_40, Hardware, Lora, Pipeline
from pipeline_dsl.stages import LoraSft

from _cluster import SEVENTY
from _parts import chats

base = LoraSft(
    base=SEVENTY,
    data=chats,
    lora=Lora(rank=64, base="nf4"),
    batch=16,
    micro_batch=1,
    learning_rate=1e-4,
    recompute="full",
    max_length=2048,
    processes=8,
    on=Hardware(device=A100_40, count=8),  # expect: PDSL320
)

pipeline = Pipeline(name="seventy-billion-whole-on-each-card", targets=[base])
