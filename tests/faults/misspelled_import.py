from pipeline_dsl import Pipline  # expect: PDSL101

from _parts import sft

pipeline = Pipline(name="assistant", targets=[sft])
