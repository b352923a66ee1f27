# seen: https://github.com/modelscope/ms-swift/issues/6966 – logits.float() of 32k tokens x 151,936 words alone asked for 49 GB
from pipeline_dsl import A100_80, Hardware, Llama, Pipeline
from pipeline_dsl.stages import Pretrain

from _cluster import data

base = Pretrain(
    **data(32_768, vocabulary=151_936),
    model=Llama(hidden=2048, layers=28, heads=16, kv_heads=8, ffn=6144, vocabulary=151_936, context=32_768, tied=True),
    tokens=200_000_000_000,
    batch=64,
    micro_batch=2,  # expect: PDSL320
    learning_rate=3e-4,
    zero_stage=3,
    recompute="full",
    processes=32,
    on=Hardware(device=A100_80, count=8, nodes=4),
)

pipeline = Pipeline(name="scores-of-a-large-vocabulary", targets=[base])
