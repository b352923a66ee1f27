# seen: https://github.com/AMDResearch/hpcfund/issues/16 – a limit of 24 hours, and pre-training that takes longer: resumed by hand each day
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    zero_stage=3,
    processes=64,
    on=Hardware(device=H100, count=8, nodes=8, time_limit=24),  # expect: PDSL336
)

pipeline = Pipeline(name="day-long-queue", targets=[base])
