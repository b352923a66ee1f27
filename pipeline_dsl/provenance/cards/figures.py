"""What a run measured: scores with their intervals, and what they were measured on."""

from collections.abc import Iterator

import attrs

from pipeline_dsl.gates.interval import interval
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.gates.tasks import tasks
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.provenance.cards.facts import Facts


@attrs.frozen(kw_only=True)
class Figure:
    """One score. `subject` is the stage whose model was measured, None where the artifact does not say; `unit` is empty where
    nobody declared one."""

    stage: str
    metric: str
    unit: str
    family: str
    score: Score
    subject: str | None
    suite: str | None
    evidence: str

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval, as gates show it."""
        return interval(self.score, self.unit)


def figures(facts: Facts) -> Iterator[Figure]:
    """Every score of the run's artifacts, in the plan's order."""
    known = _known(facts.plan)
    for stage, record, tree in facts.stages():
        report = tree.kind == "eval_report"
        subject = facts.made(tree.meta.get("model")) if report else stage.name
        suite = tree.meta.get("suite") if report else None
        for metric, score in sorted(tree.scores.items()):
            unit, family = known.get(metric, ("", ""))
            yield Figure(
                stage=stage.name,
                metric=metric,
                unit=unit,
                family=family,
                score=score,
                subject=subject,
                suite=suite if isinstance(suite, str) else None,
                evidence=record.output,
            )


def _known(plan: Plan) -> dict[str, tuple[str, str]]:
    """(unit, family) of each metric that the plan or pdsl says something about."""
    found = {name: (metric.unit, metric.family) for name, metric in METRICS.items()}
    for stage in plan.stages:
        for metric, task in tasks(stage):
            found[metric] = (str(task.get("unit", "")), str(task.get("family", "")))
    return {**found, **{gate.metric: (gate.unit, gate.family) for gate in plan.gates}}


def is_contamination(figure: Figure) -> bool:
    """Whether a score says how much of an evaluation is in what was learnt from."""
    return figure.family == "contamination" or "contamination" in figure.metric
