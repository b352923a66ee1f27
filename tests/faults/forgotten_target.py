from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, sft, suite

report = Evaluate(model=sft, suite=suite, tasks=TASKS)  # expect: PDSL304

pipeline = Pipeline(name="assistant", targets=[sft])
