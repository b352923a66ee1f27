# seen: https://github.com/kongds/E5-V/issues/7 – token 128,256 in a model of 128,256 rows: index out of range
from pipeline_dsl import Llama, Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import rows, tokenizer, unseen

base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=Llama(hidden=256, layers=4, heads=4, kv_heads=2, ffn=688, vocabulary=4_095, context=512),  # expect: PDSL220
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
