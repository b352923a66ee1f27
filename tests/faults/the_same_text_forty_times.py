# seen: https://arxiv.org/abs/2305.16264 – after forty passes repeated tokens were worth nothing
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, rows, tokenizer, unseen

base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=480_000_000,  # expect: PDSL340
    batch=32,
    learning_rate=1e-3,
    on=Hardware(device=H100),
)

pipeline = Pipeline(name="the-same-text-forty-times", targets=[base])
