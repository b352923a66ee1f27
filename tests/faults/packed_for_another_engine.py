# seen: https://github.com/NVIDIA/TensorRT-LLM/issues/377 – weights packed by AWQ for one engine are refused by another
from pipeline_dsl import Budget, Pipeline, baseline, metric
from pipeline_dsl.stages import Quantize, Serve

from _parts import TASKS, after, asked, before, chats, policy, suite

quantized = Quantize(model=policy, calibration=chats, suite=suite, tasks=TASKS, runtime="tensorrt-llm")
server = Serve(
    model=quantized,  # expect: PDSL231
    prompts=asked,
)

pipeline = Pipeline(
    name="assistant",
    targets=[server, after],
    gates=[
        metric("mmlu") >= baseline - 6,
        metric("safety_violation_rate") <= 0.05,
        metric("kl_from_reference") <= 25,
        metric("cost_total_usd") <= 500,
    ],
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
