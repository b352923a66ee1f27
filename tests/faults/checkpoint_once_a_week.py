# seen: https://arxiv.org/abs/2407.21783 – 419 interruptions in 54 days on 16,384 GPUs; this run saves about once in three days
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import RUN, data

base = Pretrain(
    **data(),
    **{**RUN, "tokens": 8_000_000_000_000},
    zero_stage=3,
    processes=1024,
    save_every=400_000,  # expect: PDSL337
    on=Hardware(device=H100, count=8, nodes=128),
)

pipeline = Pipeline(name="checkpoint-once-a-week", targets=[base])
