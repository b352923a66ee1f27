# seen: https://github.com/NVIDIA/Megatron-LM/issues/1304 – 30 layers on a pipeline of 4: 28 were trained, and nothing was said
import attrs

from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data
from _parts import SEVEN

base = Megatron(
    **data(),
    **{**RUN, "model": attrs.evolve(SEVEN, layers=30)},
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(pipeline=4),  # expect: PDSL327
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="layers-that-do-not-divide", targets=[base])
