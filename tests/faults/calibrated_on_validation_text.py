# seen: https://github.com/efeslab/Atom/issues/15 – which data to calibrate on: other than is measured on
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Quantize

from _parts import TASKS, policy, suite, test

quantized = Quantize(
    model=policy,
    calibration=test,  # expect: PDSL230
    suite=suite,
    tasks=TASKS,
)

pipeline = Pipeline(name="small", targets=[quantized])
