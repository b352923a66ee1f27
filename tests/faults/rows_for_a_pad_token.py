# seen: https://github.com/allenai/open-instruct/issues/124 – 32,002 rows for 32,000 tokens, left from added tokens
from pipeline_dsl import Llama, Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import rows, tokenizer, unseen

base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=Llama(hidden=256, layers=4, heads=4, kv_heads=2, ffn=688, vocabulary=4_097, context=512),  # expect: PDSL221
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
