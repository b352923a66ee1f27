# seen: https://github.com/OpenNMT/OpenNMT-tf/issues/744 – a learning rate of 2 where GPT-2 takes 2.5e-4: the loss was no number
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **{name: value for name, value in RUN.items() if name != "learning_rate"},
    learning_rate=3e-2,  # expect: PDSL342
    zero_stage=3,
    processes=128,
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="rate-of-a-small-model", targets=[base])
