# seen: https://github.com/delphi-suite/delphi/pull/144 – hidden_size 54 with 4 heads: must be divisible
import attrs

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, rows, tokenizer, unseen

base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=attrs.evolve(TINY, heads=6),  # expect: PDSL205
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
