from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", seed="42", targets=[sft])  # expect: PDSL202
