# seen: https://github.com/harbor-framework/terminal-bench-1/issues/1418 – the benchmark's own error was several times what its leaderboard showed
from pipeline_dsl import Pipeline, baseline, metric

from _hub import TASKS, Evaluate, Few
from _parts import policy, sft

few = Few(examples=200)
before = Evaluate(model=sft, suite=few, tasks=TASKS)
after = Evaluate(model=policy, suite=few, tasks=TASKS)

pipeline = Pipeline(
    name="gated",
    targets=[after],
    baseline=before,
    gates=[
        metric("mmlu") >= baseline + 0.5,  # expect: PDSL530
    ],
)
