# seen: https://github.com/mll-lab-nu/RAGEN/issues/101 – training drew from seeds among which was the one that validation was drawn by
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Split, Tokenize

from _parts import TINY, Pretrain, tokenizer, unique

this_year = Split(corpus=unique, part="train", salt="2026")
last_year = Split(corpus=unique, part="test", salt="2025")  # expect: PDSL903
rows = Tokenize(tokenizer=tokenizer, corpora=(this_year,), length=512)
seen = Tokenize(tokenizer=tokenizer, corpora=(last_year,), length=512)
base = Pretrain(
    data=rows,
    validation=seen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
