# seen: https://github.com/vllm-project/vllm/issues/414 – the attention heads must be divisible by the tensor parallel size
from pipeline_dsl import H100, Hardware, Kubernetes, Pipeline, Serving, TensorRtLlm
from pipeline_dsl.stages import Evaluate, Quantize

from _cluster import SEVENTY
from _hub import BASELINE, BUDGET, GATES, suite
from _parts import TASKS, chats

IMAGE = "registry.example/trtllm@sha256:" + "7" * 64
node = Hardware(device=H100, count=8)
report = Evaluate(model=SEVENTY, suite=suite, tasks=TASKS, dtype="bfloat16", on=node)
quantized = Quantize(
    model=SEVENTY,
    calibration=chats,
    suite=suite,
    tasks=TASKS[:1],
    runtime="tensorrt-llm",
    on=node,
)

pipeline = Pipeline(
    name="seventy",
    targets=[quantized, report],
    ships=quantized,
    gates=GATES,
    baseline=BASELINE,
    budget=BUDGET,
    launchers=[Kubernetes(image=IMAGE, serving=Serving(image=IMAGE, engine=TensorRtLlm(tensor_parallel=6)))],  # expect: PDSL325
)
