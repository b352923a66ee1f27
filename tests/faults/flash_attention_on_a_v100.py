# seen: https://github.com/hiyouga/LlamaFactory/issues/3508 – FlashAttention only supports Ampere GPUs or newer, at the first step
from pipeline_dsl import V100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    precision="fp16",
    attention="flash_attention_2",  # expect: PDSL331
    zero_stage=3,
    recompute="full",
    processes=128,
    on=Hardware(device=V100, count=8, nodes=16),
)

pipeline = Pipeline(name="flash-attention-on-a-v100", targets=[base])
