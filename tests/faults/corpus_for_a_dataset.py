# seen: https://github.com/YangRui2015/RiC/issues/2 – text reached the collator where token ids were wanted: too many dimensions 'str'
"""The text was split, and never tokenized."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, tokenizer, train, unseen

base = Pretrain(
    data=train,  # expect: PDSL201
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
