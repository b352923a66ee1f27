# seen: https://github.com/mahmoodlab/CLAM/issues/269 – slides that were kept for testing in one division were training data in the next
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Tokenize

from _parts import TINY, Pretrain, tokenizer, unique, unseen

rows = Tokenize(tokenizer=tokenizer, corpora=(unique,), length=512)
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
