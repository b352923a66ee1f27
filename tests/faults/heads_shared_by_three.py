# seen: https://github.com/vllm-project/vllm/issues/414 – 52 attention heads must be divisible by tensor parallel size 3
from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data

base = Megatron(
    **data(),
    **{**RUN, "batch": 1056},
    zero_stage=1,
    recompute="full",
    processes=96,
    parallel=Parallel(tensor=3),  # expect: PDSL325
    on=Hardware(device=H100, count=8, nodes=12),
)

pipeline = Pipeline(name="heads-shared-by-three", targets=[base])
