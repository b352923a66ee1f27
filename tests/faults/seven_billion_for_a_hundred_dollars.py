# seen: https://github.com/meta-llama/llama3/issues/91 – the 1.3M GPU-hours of an 8B model were hard to believe
"""2e12 tokens of 7e9 parameters are about 8e22 FLOPs."""

from pipeline_dsl import H100, Budget, Hardware, Pipeline
from pipeline_dsl.stages import Ingest, Pretrain, Split, Tokenize, TrainTokenizer

from _parts import SEVEN, source

text = Ingest(sources=(source,), filters=(), languages=("en",), tokens=2_600_000_000_000)
train = Split(corpus=text, part="train")
validation = Split(corpus=text, part="validation")
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=32_000)
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=32_000)
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=4096)
unseen = Tokenize(tokenizer=tokenizer, corpora=(validation,), length=4096)
base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=SEVEN,
    tokens=2_000_000_000_000,
    batch=1024,
    micro_batch=1,
    learning_rate=3e-4,
    processes=512,
    on=Hardware(device=H100, count=8, nodes=64),
)

pipeline = Pipeline(name="seven", targets=[base], budget=Budget(usd=100))  # expect: PDSL602
