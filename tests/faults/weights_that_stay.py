# seen: https://github.com/wenet-e2e/wenet/pull/2499 – offload_param did nothing at stage 2, where weights are not divided
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    zero_stage=2,
    offload="weights",  # expect: PDSL333
    processes=128,
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="weights-that-stay", targets=[base])
