# seen: https://github.com/vllm-project/vllm/issues/596 – a size of tensor parallelism that the model cannot have; here none at all
from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data

base = Megatron(
    **data(),
    **RUN,
    zero_stage=1,
    processes=512,
    parallel=Parallel(tensor=0),  # expect: PDSL203
    on=Hardware(device=H100, count=8, nodes=64),
)

pipeline = Pipeline(name="seven", targets=[base])
