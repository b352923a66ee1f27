# seen: AWQ's evaluation (arXiv:2306.00978), with the bound on what it may cost broken: a tenth of a point, on a hundred documents
from pipeline_dsl import H100, Hardware, Pipeline, metric
from pipeline_dsl.stages import Quantize

from _hub import mistral
from _parts import TASKS, chats, suite

quantized = Quantize(
    model=mistral, calibration=chats, suite=suite, tasks=TASKS[:1], documents=100, on=Hardware(device=H100)
)

pipeline = Pipeline(
    name="packed",
    targets=[quantized],
    gates=[
        metric("quantization_accuracy_delta") >= -0.1,  # expect: PDSL530
    ],
)
