# seen: https://github.com/deepspeedai/DeepSpeed/issues/3589 – ZeRO-2 and ZeRO-3 are incompatible with pipeline parallelism
from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data

base = Megatron(
    **data(),
    **RUN,
    zero_stage=2,  # expect: PDSL332
    recompute="full",
    processes=128,
    parallel=Parallel(tensor=2, pipeline=2),
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="zero-two-in-a-pipeline", targets=[base])
