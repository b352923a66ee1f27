from pipeline_dsl import Pipeline

from _parts import Sft, base

sft = Sft(base=base, epochs=3)  # expect: PDSL105

pipeline = Pipeline(name="assistant", targets=[sft])
