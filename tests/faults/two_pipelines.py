# seen: https://github.com/mlflow/mlflow/pull/6228 – several pipelines in one place, and no way to say which
from pipeline_dsl import Pipeline

from _parts import base, sft

small = Pipeline(name="base", targets=[base])
large = Pipeline(name="assistant", targets=[sft])  # expect: PDSL104
