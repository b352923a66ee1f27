"""Nothing calls the function."""  # expect: PDSL103

from pipeline_dsl import Pipeline

from _parts import sft


def assistant() -> Pipeline:
    return Pipeline(name="assistant", targets=[sft])
