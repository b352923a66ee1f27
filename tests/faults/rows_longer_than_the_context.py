# seen: https://github.com/rllm-org/rllm/issues/126 – 24,725 tokens for a model of 16,384: indexing errors
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain, Tokenize

from _parts import TINY, tokenizer, train, unseen

base = Pretrain(
    data=Tokenize(tokenizer=tokenizer, corpora=(train,), length=1024),
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,  # expect: PDSL223
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
