# seen: https://github.com/elfi-dev/elfi/issues/310 – 10e3 for a count: 'float' object cannot be interpreted as an integer
"""1e9 is a float to Python."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, rows, tokenizer, unseen

base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=1e9,  # expect: PDSL202
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
