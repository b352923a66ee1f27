# seen: https://github.com/GitM-Labs/runtime/pull/76 – fewer processes than GPUs is the worse case: the run succeeds, and the others idle
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    zero_stage=3,
    processes=64,
    on=Hardware(device=H100, count=8, nodes=16),  # expect: PDSL324
)

pipeline = Pipeline(name="cards-that-stand-idle", targets=[base])
