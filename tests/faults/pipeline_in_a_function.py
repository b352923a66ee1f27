# seen: https://github.com/apache/airflow/pull/10587 – a DAG that stays inside its function is not found by the scheduler  # expect: PDSL103
"""Nothing calls the function."""

from pipeline_dsl import Pipeline

from _parts import sft


def assistant() -> Pipeline:
    return Pipeline(name="assistant", targets=[sft])
