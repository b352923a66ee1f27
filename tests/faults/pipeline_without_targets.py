from pipeline_dsl import Pipeline

from _parts import sft  # noqa: F401

pipeline = Pipeline(name="assistant")  # expect: PDSL105
