# seen: https://github.com/ruipeterpan/specreason/issues/4 – 7,691 tokens of messages and 512 of answer, of a model that holds 8,192
from pipeline_dsl import Budget, Pipeline, baseline, metric
from pipeline_dsl.stages import Serve

from _parts import after, asked, before, quantized

server = Serve(
    model=quantized,
    prompts=asked,
    prompt_limit=384,  # expect: PDSL223
    output_limit=256,
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
