"""A pipeline in which every artifact goes where it is wanted: no checker has anything to say."""

from pipeline_dsl import Budget, Pipeline, baseline, metric
from pipeline_dsl.stages import Evaluate, Task
from studio import dpo, exam, reward, sft

before = Evaluate(model=sft, suite=exam, tasks=(Task(name="kinds"),), name="before")
after = Evaluate(model=dpo, suite=exam, tasks=(Task(name="kinds"),), name="after")

pipeline = Pipeline(
    name="whole",
    targets=[before, after, reward],
    ships=dpo,
    baseline=before,
    budget=Budget(usd=1, kl=2.0),
    gates=[
        metric("mmlu", of=after) >= baseline + 0.5,
        metric("mmlu", of=after) >= baseline,
        metric("kl_from_reference", of=dpo) <= 25.0,
        metric("cost_total_usd") <= 50_000,
    ],
)
