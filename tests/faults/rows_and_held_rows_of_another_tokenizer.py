# seen: GPT-2's data preparation (nanoGPT) for TinyLlama (arXiv:2401.02385), with its tokenizer broken: the rows are still GPT-2's
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain, TrainTokenizer

from _parts import TINY, rows, train, unseen

other = TrainTokenizer(corpora=(train,), vocabulary=4_096, split_digits=False)
base = Pretrain(
    data=rows,  # expect: PDSL222
    validation=unseen,
    tokenizer=other,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="small", targets=[base])
