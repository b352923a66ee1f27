"""Everything that a pipeline needs that ends in a server."""

from _studio import after, before, prompts, quantized

from pipeline_dsl import Budget, Pipeline, baseline, metric
from pipeline_dsl.stages import Serve

server = Serve(model=quantized, prompts=prompts)

pipeline = Pipeline(
    name="assistant",
    version="1.4.0",
    seed=42,
    targets=[server, after],
    gates=[
        metric("mmlu") >= baseline - 1.5,
        metric("mmlu") >= 25,
        metric("safety_violation_rate") <= 0.05,
        metric("kl_from_reference") <= 25,
        metric("cost_total_usd") <= 500,
        metric("quantization_accuracy_delta") >= -1.0,
        metric("server_latency_p95_seconds") <= 2.5,
    ],
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
