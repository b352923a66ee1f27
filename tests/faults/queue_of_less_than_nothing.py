# seen: OLMo's 7B run (arXiv:2402.00838), with its time limit broken: the -1 by which some schedulers say that there is none
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    zero_stage=2,
    processes=512,
    on=Hardware(device=H100, count=8, nodes=64, time_limit=-1),  # expect: PDSL306
)

pipeline = Pipeline(name="base", targets=[base])
