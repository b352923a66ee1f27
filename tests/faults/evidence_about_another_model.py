# seen: https://github.com/artidoro/qlora/issues/76 – the adapter was not loaded, and what was looked at was the base model
from pipeline_dsl import Budget, Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, Sft, Talk, base, before, sft, suite

other = Sft(base=base, data=Talk(year=2020))
report = Evaluate(model=other, suite=suite, tasks=(TASKS[0],))
safety = Evaluate(model=sft, suite=suite, tasks=(TASKS[1],))

pipeline = Pipeline(
    name="assistant",
    targets=[sft, report, safety],
    ships=sft,
    gates=[
        metric("mmlu") >= baseline - 1,  # expect: PDSL510
        metric("safety_violation_rate", of=safety) <= 0.05,
        metric("cost_total_usd") <= 500,
    ],
    baseline=before,
    budget=Budget(usd=1_000),
)
