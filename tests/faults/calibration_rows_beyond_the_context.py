# seen: https://github.com/qwopqwop200/GPTQ-for-LLaMa/issues/155 – 3,908 tokens of calibration for a model of 2,048
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Quantize

from _parts import TASKS, chats, policy, suite

quantized = Quantize(
    model=policy,
    calibration=chats,
    suite=suite,
    tasks=TASKS,
    length=2048,  # expect: PDSL223
)

pipeline = Pipeline(name="small", targets=[quantized])
