from pipeline_dsl import Pipeline

from _parts import Sft, Talk, base

sft = Sft(base=base, data=Talk(part="test"))  # expect: PDSL901

pipeline = Pipeline(name="assistant", targets=[sft])
