# seen: https://github.com/thunlp/OpenNRE/issues/125 – the weights that scored best on the test set were kept, and reported on it
from pipeline_dsl import Pipeline, metric

from _hub import TASKS, Best, Evaluate, Sft, suite
from _parts import Talk, base

tried = tuple(Sft(base=base, data=Talk(year=year)) for year in (2022, 2023, 2024))
reports = tuple(Evaluate(model=model, suite=suite, tasks=TASKS) for model in tried)
best = Best(models=tried, reports=reports)  # expect: PDSL909
final = Evaluate(model=best, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="best", targets=[final], gates=[metric("mmlu", of=final) >= 45])
