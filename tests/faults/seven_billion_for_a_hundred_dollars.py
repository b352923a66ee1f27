"""2e12 tokens of 7e9 parameters are about 8e22 FLOPs."""

from pipeline_dsl import H100, Budget, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain, Tokenize

from _parts import SEVEN, tokenizer, train, validation

rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=4096)
unseen = Tokenize(tokenizer=tokenizer, corpora=(validation,), length=4096)
base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=SEVEN,
    tokens=2_000_000_000_000,
    batch=1024,
    learning_rate=3e-4,
    on=Hardware(device=H100, count=8, nodes=64),
)

pipeline = Pipeline(name="seven", targets=[base], budget=Budget(usd=100))  # expect: PDSL602
