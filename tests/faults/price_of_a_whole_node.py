# seen: Llama 2's 7B run (arXiv:2307.09288), with its price broken: the list price of a machine of eight at a large cloud, for each GPU
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **RUN,
    zero_stage=2,
    processes=512,
    on=Hardware(device=H100, count=8, nodes=64, price=98.32),  # expect: PDSL611
)

pipeline = Pipeline(name="base", targets=[base])
