# seen: https://github.com/hiyouga/LlamaFactory/issues/4629 – ZeRO-3 offload of a 9B model filled 252 GB of the host: return code -9
from pipeline_dsl import H100, Hardware, Pipeline

from _cluster import seven
from _parts import Sft, chats

base = Sft(
    base=seven,
    data=chats,
    micro_batch=1,
    zero_stage=3,
    offload="weights",  # expect: PDSL334
    recompute="full",
    on=Hardware(device=H100, host_memory=64e9),
)

pipeline = Pipeline(name="host-memory-too-small", targets=[base])
