# seen: https://github.com/UniversalDependencies/UD_Japanese-GSD/issues/14 – the NC of the data was taken to reach the model that would have been trained on it
import attrs

from pipeline_dsl import Pipeline, metric

from _hub import BASELINE, BUDGET, GATES, TASKS, Compared, Evaluate, asked, suite
from _parts import Dpo, compared, sft

policy = Dpo(policy=sft, data=Compared(licence="CC-BY-NC-SA-4.0"), held=compared, prompts=asked, learning_rate=1e-6, kl_budget=10.0)  # expect: PDSL904
scores = Evaluate(model=policy, suite=suite, tasks=TASKS)

pipeline = Pipeline(
    name="weights",
    targets=[scores],
    ships=policy,
    use="commercial",
    gates=[*GATES, metric("kl_from_reference") <= 25],
    baseline=BASELINE,
    budget=attrs.evolve(BUDGET, kl=25.0),
)
