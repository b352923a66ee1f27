# seen: https://github.com/openai/parameter-golf/issues/2127 – 80% of the validation documents were trained on
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain, Tokenize

from _parts import TINY, rows, tokenizer, train

base = Pretrain(
    data=rows,
    validation=Tokenize(tokenizer=tokenizer, corpora=(train,), length=512, limit=100_000),  # expect: PDSL236
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
