# seen: https://github.com/vllm-project/vllm/issues/10517 – how many requests, and how long ones, the cache beside a 70B model has room for
from pipeline_dsl import A100_40, Budget, Hardware, Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, Serve

from _cluster import seven
from _parts import TASKS, Sft, asked, chats, suite

sft = Sft(base=seven, data=chats)
server = Serve(
    model=sft,
    prompts=asked,
    dtype="bfloat16",
    blocks=1_024,  # expect: PDSL320
    on=Hardware(device=A100_40),
)
before = Evaluate(model=seven, suite=suite, tasks=TASKS)
after = Evaluate(model=sft, suite=suite, tasks=TASKS)

pipeline = Pipeline(
    name="seven-served",
    targets=[server, after],
    gates=[metric("mmlu") >= baseline - 1, metric("safety_violation_rate") <= 0.05, metric("cost_total_usd") <= 5_000_000],
    baseline=before,
    budget=Budget(usd=5_000_000),
)
