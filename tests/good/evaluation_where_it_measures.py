"""Test data may be tokenized, filtered and asked, as long as nothing learns from it."""

from _studio import TINY, rows, tokenizer, unique

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Deduplicate, Pretrain, Split, Tokenize

test = Deduplicate(corpora=(Split(corpus=unique, part="test"),))
unseen = Tokenize(tokenizer=tokenizer, corpora=(test,), length=512)
base = Pretrain(data=rows, validation=unseen, tokenizer=tokenizer, model=TINY, tokens=10_000_000, batch=32, learning_rate=1e-3)

pipeline = Pipeline(name="base", targets=[base])
