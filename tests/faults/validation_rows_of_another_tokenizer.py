# seen: https://github.com/delphi-suite/delphi/issues/2 – the difference in validation loss was one of tokenizers
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain, Tokenize, TrainTokenizer

from _parts import TINY, rows, tokenizer, train, validation

old = TrainTokenizer(corpora=(train,), vocabulary=2_048)
base = Pretrain(
    data=rows,
    validation=Tokenize(tokenizer=old, corpora=(validation,), length=512),  # expect: PDSL222
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
