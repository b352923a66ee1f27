# seen: https://github.com/deepspeedai/DeepSpeed/issues/6914 – train_batch_size 8 != 2 * 1 * 1, told once all ranks were up
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, rows, tokenizer, unseen

base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=30,  # expect: PDSL205
    micro_batch=4,
    processes=2,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
