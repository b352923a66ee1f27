# seen: https://github.com/AutoGPTQ/AutoGPTQ/issues/650 – perplexity 17.5, and 6.6 once the test's own kind of text was calibrated on
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Quantize

from _parts import TASKS, Talk, policy, suite

quantized = Quantize(
    model=policy,
    calibration=Talk(part="test"),  # expect: PDSL230
    suite=suite,
    tasks=TASKS,
)

pipeline = Pipeline(name="small", targets=[quantized])
