# seen: https://github.com/PrimeIntellect-ai/prime-rl/issues/968 – a run whose steps are all warm-up
from pipeline_dsl import H100, Hardware, Pipeline, Whole
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data


class Counted(Pretrain):
    """Training whose warm-up is counted in steps."""

    warmup_steps: Whole


base = Counted(
    **data(),
    **RUN,
    zero_stage=3,
    processes=128,
    warmup_steps=500_000,  # expect: PDSL339
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="warm-to-the-end", targets=[base])
