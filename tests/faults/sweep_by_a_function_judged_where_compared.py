# seen: a sweep over learning rates as in QLoRA (arXiv:2305.14314, appendix B), with its choice broken: by the scores that the gate reads
from pipeline_dsl import Pipeline, SftModel, Stage, metric

from _hub import TASKS, Evaluate, Sft, Told, mistral, suite


def tuned(rate: float) -> Stage[SftModel]:
    """A run of its own, with its own declaration of the same conversations."""
    return Sft(base=mistral, data=Told(repository="talk", licence="Apache-2.0"), learning_rate=rate)


reports = [Evaluate(model=tuned(rate), suite=suite, tasks=TASKS) for rate in (5e-6, 1e-5)]

pipeline = Pipeline(
    name="sweep",
    targets=reports,
    gates=[
        metric("mmlu", of=reports[1]) >= 60,  # expect: PDSL910
    ],
)
