# seen: Pythia's pre-training (arXiv:2304.01373), with the rows that it is validated on broken: they are those that it learns from
from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, rows, tokenizer

base = Pretrain(
    data=rows,
    validation=rows,  # expect: PDSL236
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
    on=Hardware(device=H100),
)

pipeline = Pipeline(name="base", targets=[base])
