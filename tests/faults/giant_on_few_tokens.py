# seen: https://arxiv.org/abs/2203.15556 – Gopher, 280e9 parameters on 300e9 tokens: a quarter of its size on more tokens was better
from pipeline_dsl import H100, Hardware, Llama, Parallel, Pipeline

from _cluster import Megatron, data

base = Megatron(
    **data(),
    model=Llama(hidden=16_384, layers=80, heads=128, kv_heads=128, ffn=43_520, vocabulary=32_000, context=4096),
    tokens=300_000_000_000,  # expect: PDSL341
    batch=1024,
    micro_batch=1,
    learning_rate=4e-5,
    parallel=Parallel(tensor=8, pipeline=8, sequence=True),
    recompute="full",
    processes=1024,
    on=Hardware(device=H100, count=8, nodes=128),
)

pipeline = Pipeline(name="giant-on-few-tokens", targets=[base])
