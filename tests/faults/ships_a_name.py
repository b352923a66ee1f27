# seen: https://github.com/kubeflow/pipelines/issues/3452 – a string where another kind of value is read: Incompatible argument passed
from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], ships="sft")  # expect: PDSL305
