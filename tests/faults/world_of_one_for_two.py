# seen: https://github.com/NVIDIA-NeMo/Speech/issues/11480 – world_size (1) is not divisible by 2, by the documentation's own example
from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data

base = Megatron(
    **data(),
    **{**RUN, "batch": 1040},
    zero_stage=1,
    recompute="full",
    processes=130,  # expect: PDSL322
    parallel=Parallel(tensor=8),
    on=Hardware(device=H100, count=8, nodes=17),
)

pipeline = Pipeline(name="world-of-one-for-two", targets=[base])
