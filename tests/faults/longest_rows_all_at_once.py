# seen: https://github.com/huggingface/trl/issues/2452 – DPO out of memory in the midst of an epoch, at its longest pairs
from pipeline_dsl import H100, Hardware, Pipeline

from _cluster import seven
from _parts import Sft, chats

base = Sft(
    base=seven,
    data=chats,
    micro_batch=4,  # expect: PDSL321
    batch=32,
    processes=8,
    zero_stage=3,
    max_length=4096,
    on=Hardware(device=H100, count=8),
)

pipeline = Pipeline(name="longest-rows-all-at-once", targets=[base])
