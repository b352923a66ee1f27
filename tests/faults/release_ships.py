# seen: https://github.com/bryzgaloff/airflow-clickhouse-plugin/issues/55 – a DAG stood where a task is wanted: no attribute 'update_relative'
from pipeline_dsl import Pipeline, Release

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], ships=Release(manifest="releases/1.yaml"))  # expect: PDSL305
