# seen: https://github.com/vllm-project/vllm/issues/4202 – the quantization method awq is not supported for the current GPU: minimum capability 75, a V100 has 70
from pipeline_dsl import V100, Budget, Hardware, Pipeline, baseline, metric
from pipeline_dsl.stages import Serve

from _parts import after, asked, before, quantized


class Vllm(Serve):
    """A server on another engine, which is told how the weights are packed."""

    quantization: str


server = Vllm(
    model=quantized,
    prompts=asked,
    quantization="awq",  # expect: PDSL331
    on=Hardware(device=V100),
)

pipeline = Pipeline(
    name="assistant",
    targets=[server, after],
    gates=[
        metric("mmlu") >= baseline - 1,
        metric("safety_violation_rate") <= 0.05,
        metric("kl_from_reference") <= 25,
        metric("cost_total_usd") <= 1_000,
    ],
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
