# seen: https://github.com/runpod-workers/worker-vllm/issues/55 – a model for completions was served for chat, and its output is weird
from pipeline_dsl import Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, Serve

from _parts import TASKS, asked, base, before, suite

server = Serve(
    model=base,  # expect: PDSL226
    prompts=asked,
)
report = Evaluate(model=base, suite=suite, tasks=TASKS)

pipeline = Pipeline(
    name="assistant",
    targets=[server, report],
    gates=[metric("mmlu") >= baseline - 6, metric("safety_violation_rate") <= 0.05, metric("cost_total_usd") <= 500],
    baseline=before,
)
