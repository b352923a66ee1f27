"""Metrics of two runs, compared: which moved, and which of them beyond noise."""

from collections.abc import Iterable, Iterator

import attrs

from pipeline_dsl.gates.difference import Difference, Evidence, difference
from pipeline_dsl.gates.examined import Examined
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.gates.tasks import tasks


@attrs.frozen(kw_only=True)
class Movement:
    """A metric in both runs. `beyond` says whether its 95% interval excludes no change; None where no interval is known.

    `claimed` says that a manifest alone has one of the values: then there is no interval.
    """

    stage: str
    metric: str
    unit: str
    old: float | None
    new: float | None
    difference: Difference | None
    beyond: bool | None
    claimed: bool
    redefined: bool
    """Whether the stage, or one above it, was declared otherwise."""


def movements(old: Examined, was: str, new: Examined, is_: str, *, redefined: bool) -> Iterator[Movement]:
    """The metrics of a stage that both runs have; `was` and `is_` are its names in them."""
    before, after = old.manifest.stages[was], new.manifest.stages[is_]
    for metric in dict.fromkeys((*before.metrics, *after.metrics, *_scored(old, was), *_scored(new, is_))):
        first, second = _evidence(old, was, metric), _evidence(new, is_, metric)
        unit = _unit(metric, new, is_) or _unit(metric, old, was)
        found = difference(second, first, metric, unit) if first and second else None
        yield Movement(
            stage=is_,
            metric=metric,
            unit=unit,
            old=first.score.value if first else None if was in old.records else before.metrics.get(metric),
            new=second.score.value if second else None if is_ in new.records else after.metrics.get(metric),
            difference=found,
            beyond=_beyond(found),
            claimed=was not in old.records or is_ not in new.records,
            redefined=redefined,
        )


def _scored(run: Examined, stage: str) -> Iterable[str]:
    return run.trees[stage].scores if stage in run.trees else ()


def _evidence(run: Examined, stage: str, metric: str) -> Evidence | None:
    tree = run.trees.get(stage)
    if tree is None or run.plan is None or metric not in tree.scores:
        return None
    return Evidence(score=tree.scores[metric], tree=tree, stage=run.plan.stage(stage), store=run.store)


def _beyond(found: Difference | None) -> bool | None:
    """Whether no change is outside of the interval. Nothing that is the same moved."""
    if found is None:
        return None
    if found.value == 0:
        return False
    return None if found.interval is None else not found.interval[0] <= 0 <= found.interval[1]


def _unit(metric: str, run: Examined, stage: str) -> str:
    """A metric's unit: by a gate on it, by the task that gives it, or by its name."""
    if run.plan is None:
        return METRICS[metric].unit if metric in METRICS else ""
    gate = next((gate.unit for gate in run.plan.gates if gate.metric == metric), None)
    if gate is not None:
        return gate
    asked = next((task for name, task in tasks(run.plan.stage(stage)) if name == metric), None)
    if asked is not None:
        return str(asked.get("unit", "percent"))
    return METRICS[metric].unit if metric in METRICS else ""
