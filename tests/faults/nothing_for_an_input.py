# seen: https://github.com/huggingface/trl/pull/5157 – five trainers took train_dataset=None
from pipeline_dsl import Pipeline

from _parts import Sft, base

sft = Sft(base=base, data=None)  # expect: PDSL206

pipeline = Pipeline(name="assistant", targets=[sft])
