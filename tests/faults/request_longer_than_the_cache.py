# seen: https://github.com/OpenRLHF/OpenRLHF/issues/336 – max seq len 8192 is larger than the 6048 tokens that the cache can store
from pipeline_dsl import Budget, Pipeline, baseline, metric
from pipeline_dsl.stages import Serve

from _parts import after, asked, before, quantized

server = Serve(model=quantized, prompts=asked, blocks=1)  # expect: PDSL343

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
