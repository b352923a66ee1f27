from pipeline_dsl import Pipeline

from _parts import base, sft

small = Pipeline(name="base", targets=[base])
large = Pipeline(name="assistant", targets=[sft])  # expect: PDSL104
