# seen: https://github.com/ai-forever/ru-gpts/issues/23 – all of the validation text was in the training text; perplexity was outstanding
"""The test part comes back by way of deduplication and tokenization."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Deduplicate, Pretrain, Tokenize

from _parts import TINY, test, tokenizer, train, unseen

everything = Deduplicate(corpora=(train, test))
rows = Tokenize(tokenizer=tokenizer, corpora=(everything,), length=512)
base = Pretrain(
    data=rows,  # expect: PDSL901
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
