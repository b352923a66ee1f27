"""Stages from loops and comprehensions, some in a list and some in a dictionary."""

from _studio import Average, Sft, Talk, base

from pipeline_dsl import CausalModel, Pipeline, Ref

years = {year: Talk(year=year) for year in (2022, 2023)}
tuned = [Sft(base=base, data=data, learning_rate=rate) for data in years.values() for rate in (1e-5, 2e-5)]

models: list[Ref[CausalModel]] = []
for number, stage in enumerate(tuned):
    models.append(stage if number % 2 else Sft(name=f"again-{number}", base=base, data=years[2023], epochs=number + 1))

pipeline = Pipeline(name="sweep", targets=[*tuned, Average(models=tuple(models))])
