# seen: https://github.com/swyoon/normalized-autoencoders/issues/2 – Missing key clip_grad, told when it was first read
from pipeline_dsl import Pipeline

from _parts import Sft, base

sft = Sft(base=base, epochs=3)  # expect: PDSL105

pipeline = Pipeline(name="assistant", targets=[sft])
