# seen: https://github.com/vllm-project/vllm/issues/732 – slower on two cards than on one: "NVLink is all you need"
from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data

base = Megatron(
    **data(),
    **RUN,
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(tensor=16),  # expect: PDSL326
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="matrices-shared-across-machines", targets=[base])
