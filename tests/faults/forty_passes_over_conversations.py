# seen: LIMA (arXiv:2305.11206), with its epochs broken: 40 instead of 15
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Sft

from _hub import mistral
from _parts import chats

sft = Sft(
    base=mistral,
    data=chats,
    epochs=40,  # expect: PDSL340
    batch=64,
    micro_batch=4,
    learning_rate=1e-5,
    zero_stage=3,
    processes=8,
    recompute="full",
    on=Hardware(device=H100, count=8),
)

pipeline = Pipeline(name="recited", targets=[sft])
