from pipeline_dsl import Hardware, Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], on=Hardware(device="H100", count=8))  # expect: PDSL202
