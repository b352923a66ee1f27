# seen: https://github.com/ZHZisZZ/dllm/issues/9 – 8B on two A100 40GB with ZeRO-2: out of memory when the optimizer was made
from pipeline_dsl import A100_40, Hardware, Pipeline

from _cluster import seven
from _parts import Sft, chats

base = Sft(
    base=seven,
    data=chats,
    micro_batch=2,
    processes=2,
    zero_stage=2,  # expect: PDSL320
    max_length=512,
    on=Hardware(device=A100_40, count=2),
)

pipeline = Pipeline(name="zero-two-on-two-small-cards", targets=[base])
