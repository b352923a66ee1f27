# seen: Llama 2 70B (arXiv:2307.09288) behind TensorRT-LLM, with its format broken: packed by AWQ, said to be FP8
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
    launchers=[Kubernetes(image=IMAGE, serving=Serving(image=IMAGE, engine=TensorRtLlm(tensor_parallel=8, quantization="FP8")))],  # expect: PDSL231
)
