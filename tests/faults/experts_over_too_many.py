# seen: https://github.com/NVIDIA-NeMo/Speech/issues/14838 – world_size (4) is not divisible by expert_tensor_model_pipeline_parallel size (8)
from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import MIXED, RUN, Megatron, data

base = Megatron(
    **data(),
    **{**RUN, "model": MIXED},
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(expert=24),  # expect: PDSL328
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="experts-over-too-many", targets=[base])
