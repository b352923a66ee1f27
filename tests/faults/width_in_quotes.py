# seen: https://github.com/pengHTYX/Era3D/issues/19 – crop_size='420': unsupported operand types, in the data loader
import attrs

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, rows, tokenizer, unseen

wide = attrs.evolve(TINY, hidden="512")
base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=wide,  # expect: PDSL202
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
