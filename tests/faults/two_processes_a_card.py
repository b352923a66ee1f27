# seen: https://github.com/NVIDIA/Megatron-LM/issues/661 – Duplicate GPU detected: rank 3 and rank 0 both on one device
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    zero_stage=3,
    processes=128,  # expect: PDSL323
    on=Hardware(device=H100, count=8, nodes=8),
)

pipeline = Pipeline(name="two-processes-a-card", targets=[base])
