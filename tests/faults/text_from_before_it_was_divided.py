# seen: https://github.com/scikit-learn-contrib/DESlib/issues/126 – the second division was of all rows, not of the training rows: test rows were learnt from
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Deduplicate, Tokenize

from _parts import TINY, Pretrain, text, tokenizer, unseen

again = Deduplicate(corpora=(text,), near=None)
rows = Tokenize(tokenizer=tokenizer, corpora=(again,), length=512)
base = Pretrain(
    data=rows,  # expect: PDSL902
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
