# seen: https://github.com/deepspeedai/DeepSpeed/issues/2925 – tensor-model-parallel-size set to 16, and the log said 4
from pipeline_dsl import H100, Hardware, Parallel, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(tensor=8),  # expect: PDSL329
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="division-that-is-ignored", targets=[base])
