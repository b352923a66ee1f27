# seen: https://github.com/huggingface/transformers/issues/671 – training beyond the declared total of steps: the learning rate was at nought
from pipeline_dsl import H100, Count, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data


class Counted(Pretrain):
    """Training whose schedule is counted in steps."""

    steps: Count


base = Counted(
    **data(),
    **RUN,
    zero_stage=3,
    processes=128,
    steps=100_000,  # expect: PDSL338
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="steps-of-another-run", targets=[base])
