# seen: https://github.com/mlflow/mlflow/pull/19260 – `../` in a path led artifacts out of their folder
from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(name="../assistant", targets=[sft])  # expect: PDSL302
