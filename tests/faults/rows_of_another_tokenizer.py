# seen: https://github.com/shyamsn97/mario-gpt/issues/26 – a loss of 0.05, and wrong characters: the tokenizer was distilgpt2's
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain, Tokenize, TrainTokenizer

from _parts import TINY, tokenizer, train, unseen

old = TrainTokenizer(corpora=(train,), vocabulary=4_096, split_digits=False)
base = Pretrain(
    data=Tokenize(tokenizer=old, corpora=(train,), length=512),  # expect: PDSL222
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
