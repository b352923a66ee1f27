# seen: https://github.com/UKGovernmentBEIS/inspect_ai/pull/3709 – chat tokens that a base model was never trained on garble what it writes
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Evaluate, Task

from _parts import base, suite

report = Evaluate(
    model=base,
    suite=suite,
    tasks=(Task(name="mmlu", chat=True),),  # expect: PDSL226
)

pipeline = Pipeline(name="measured", targets=[report])
