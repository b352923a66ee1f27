# seen: https://github.com/GitM-Labs/runtime/pull/76 – fewer processes than GPUs is the worse case; here they stand in a table of settings
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

SETTINGS = {**RUN, "zero_stage": 3, "processes": 64}

base = Pretrain(
    **data(),
    **SETTINGS,
    on=Hardware(device=H100, count=8, nodes=16),  # expect: PDSL324
)

pipeline = Pipeline(name="half", targets=[base])
