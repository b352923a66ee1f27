# seen: https://github.com/NVIDIA-NeMo/Speech/issues/11480 – world_size is not divisible by the size of one copy, once the job had started
from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, SEVENTY, Megatron, data

base = Megatron(
    **data(),
    **{**RUN, "model": SEVENTY.model, "learning_rate": 1.5e-4},
    processes=1_000,  # expect: PDSL322
    parallel=Parallel(tensor=8, pipeline=4),
    recompute="full",
    on=Hardware(device=H100, count=8, nodes=125),
)

pipeline = Pipeline(name="seventy", targets=[base])
