# seen: https://github.com/databrickslabs/dolly/issues/11 – Your setup doesn't support bf16/gpu, on eight V100
from pipeline_dsl import V100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    precision="bf16",  # expect: PDSL330
    zero_stage=3,
    recompute="full",
    processes=128,
    on=Hardware(device=V100, count=8, nodes=16),
)

pipeline = Pipeline(name="bf16-on-a-v100", targets=[base])
