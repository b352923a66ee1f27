# seen: https://github.com/open-edge-platform/anomalib/pull/404 – for one value of the seed the test images were in the training images: high scores
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Split, Tokenize

from _parts import TINY, Pretrain, tokenizer, unique

most = Split(corpus=unique, part="train", train=0.9, validation=0.05, test=0.05)
some = Split(corpus=unique, part="validation")  # expect: PDSL903
rows = Tokenize(tokenizer=tokenizer, corpora=(most,), length=512)
seen = Tokenize(tokenizer=tokenizer, corpora=(some,), length=512)
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
