# seen: https://github.com/kubeflow/pipelines/issues/4710 – a step was given what is not the artifact that it reads: InconsistentTypeException
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Quantize

from _parts import TASKS, after, chats, suite

small = Quantize(model=after, calibration=chats, suite=suite, tasks=TASKS)  # expect: PDSL201

pipeline = Pipeline(name="small", targets=[small])
