"""Two runs, compared: which metrics moved beyond noise, what ran otherwise, and what nothing that is declared explains."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.units import dollars, duration
from pipeline_dsl.gates.difference import Difference, Evidence, difference
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.gates.run import Examined, Flag
from pipeline_dsl.plan.comparison import Pair
from pipeline_dsl.store.manifest import StageEntry
from pipeline_dsl.store.tree import Tree

FACTOR = 1.5
"""A stage that takes this many times as long, or as little, took much more or less."""
LEAST = 5.0
"""Seconds by which its time must have moved for that: below, a machine's own noise is as large."""


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


@attrs.frozen(kw_only=True)
class Shift:
    """What a stage ran with otherwise than before: a library's version, hardware, its code; or the run as a whole: its commit."""

    stage: str | None
    what: str
    old: str | None
    new: str | None


@attrs.frozen(kw_only=True)
class Drift:
    """What two runs differ in beyond what they declare."""

    movements: tuple[Movement, ...]
    shifts: tuple[Shift, ...]
    flags: tuple[Flag, ...]


def drift(old: Examined, new: Examined, pairs: Iterable[Pair]) -> Drift:
    """Compare two runs of pipelines whose stages are paired."""
    movements: list[Movement] = []
    shifts: list[Shift] = []
    if old.manifest.git_commit != new.manifest.git_commit:
        shifts.append(Shift(stage=None, what="commit", old=old.manifest.git_commit, new=new.manifest.git_commit))
    flags = [attrs.evolve(flag, text=f"{side}: {flag.text}") for side, run in (("old", old), ("new", new)) for flag in run.doubts]
    for pair in pairs:
        if pair.old is None or pair.new is None:
            continue
        before, after = old.manifest.stages.get(pair.old.name), new.manifest.stages.get(pair.new.name)
        if before is None or after is None:
            continue
        moved = list(_movements(old, new, pair))
        ran = list(_shifts(pair.new.name, before, after))
        movements += moved
        shifts += ran
        flags += _flags(pair, before, after, moved, ran, _files(old.trees.get(pair.old.name), new.trees.get(pair.new.name)))
        flags += _figures(pair, old, new)
    return Drift(movements=tuple(movements), shifts=tuple(shifts), flags=tuple(flags))


# Metrics.


def _movements(old: Examined, new: Examined, pair: Pair) -> Iterator[Movement]:
    was, is_ = cast("Any", pair.old).name, cast("Any", pair.new).name
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
            redefined=pair.fate != "same",
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
    tasks: Any = run.plan.stage(stage).fields.get("tasks")
    for task in cast("list[Any]", tasks) if isinstance(tasks, list | tuple) else ():
        if isinstance(task, Mapping) and (cast("Any", task).get("metric") or cast("Any", task).get("name")) == metric:
            return str(cast("Any", task).get("unit", "percent"))
    return METRICS[metric].unit if metric in METRICS else ""


# What they ran with.


def _shifts(name: str, before: StageEntry, after: StageEntry) -> Iterator[Shift]:
    if before.record == after.record:
        return
    if before.recipe.type == after.recipe.type and before.code != after.code:
        yield Shift(stage=name, what="code", old=short(before.code), new=short(after.code))
    if before.hardware != after.hardware:
        yield Shift(stage=name, what="hardware", old=before.hardware, new=after.hardware)
    for library in sorted({*before.libraries, *after.libraries}):
        was, is_ = before.libraries.get(library), after.libraries.get(library)
        if was != is_:
            yield Shift(stage=name, what=library, old=was, new=is_)


# What nothing explains.


def _files(old: Tree | None, new: Tree | None) -> str:
    """The files that two artifacts do not share, where both are here."""
    if old is None or new is None:
        return ""
    first, second = ({entry.path: entry.digest for entry in tree.files} for tree in (old, new))
    unlike = [path for path in sorted({*first, *second}) if first.get(path) != second.get(path)]
    shown = ", ".join(unlike[:5]) + (f" and {len(unlike) - 5} more" if len(unlike) > 5 else "")
    return f" ({shown} of {len(first)} files)" if unlike else " (in their metadata alone)"


def _flags(pair: Pair, before: StageEntry, after: StageEntry, moved: list[Movement], ran: list[Shift], files: str) -> Iterator[Flag]:
    name = pair.new.name if pair.new else ""
    if before.record == after.record:
        unlike = [field for field in _RECORDED if getattr(before, field) != getattr(after, field)]
        if unlike:
            text = f"both name the record {short(after.record)}, and do not say the same of it: {', '.join(unlike)}"
            yield Flag(cause="claim", stage=name, text=text)
        return
    otherwise = ", ".join(dict.fromkeys(shift.what for shift in ran))
    if before.action == after.action and before.output_hash != after.output_hash:
        why = f"it ran with other {otherwise}" if otherwise else _SAME
        made = f"{short(before.output_hash)}, then {short(after.output_hash)}"
        yield Flag(cause="artifact", stage=name, text=f"the same definition and inputs made {made}{files}; {why}")
    if pair.fate != "same":
        return
    for shift in ran:
        if shift.what == "code":
            text = f"its code changed at the same version, {before.recipe.version}: results of both are taken for the same"
            yield Flag(cause="code", stage=name, text=text)
        else:
            yield Flag(cause="environment", stage=name, text=f"{shift.what} {shift.old} -> {shift.new}, and nothing declared says so")
    for movement in moved:
        if _unexplained(movement):
            known = "beyond noise" if movement.beyond else "and no interval is known"
            text = f"{movement.metric} {_said(movement.old)} -> {_said(movement.new)}, {known}, though its definition is the same"
            yield Flag(cause="metric", stage=name, text=text)


_SAME = "its module, libraries and hardware are the same: it is not deterministic, calls code that changed, or was tampered with"

_RECORDED = ("action", "input_hash", "output_hash", "wall_clock_sec", "cost_usd", "metrics", "libraries", "hardware", "code")
"""What a manifest repeats of a record."""


def _unexplained(movement: Movement) -> bool:
    if movement.beyond is not None:
        return movement.beyond
    if movement.old is None or movement.new is None:
        return True
    timed = movement.metric in METRICS and METRICS[movement.metric].family in ("service", "cost")  # as wall clock, which may differ
    return not math.isclose(movement.old, movement.new, rel_tol=1 - 1 / FACTOR if timed else 0.01)


def _figures(pair: Pair, old: Examined, new: Examined) -> Iterator[Flag]:
    """Time and money that moved much though the recipe, the hardware and the price are the same."""
    if pair.old is None or pair.new is None or pair.fields:
        return
    before, after = old.manifest.stages[pair.old.name], new.manifest.stages[pair.new.name]
    if before.record == after.record or before.hardware != after.hardware or {move.field for move in pair.execution} & _SPEED:
        return
    (was, paid), (is_, pays) = _spent(old, pair.old.name), _spent(new, pair.new.name)
    low, high = sorted((was, is_))
    if high - low >= LEAST and high >= FACTOR * low:
        yield Flag(
            cause="time", stage=pair.new.name, text=f"it took {duration(is_)}, before {duration(was)}; nothing that decides it changed"
        )
    if paid is None or pays is None or not was or not is_:
        if (paid is None) != (pays is None):
            yield Flag(cause="cost", stage=pair.new.name, text=f"it cost {dollars(pays)}, before {dollars(paid)}; the price is the same")
        return
    if abs(pays - paid * is_ / was) > 0.01 * max(pays, paid * is_ / was) + _ROUNDED * (1 + is_ / was):
        text = f"an hour of it cost {dollars(3600 * pays / is_)}, before {dollars(3600 * paid / was)}; the declared price is the same"
        yield Flag(cause="cost", stage=pair.new.name, text=text)


_SPEED = frozenset({"device", "devices", "nodes", "hourly_usd", "cores"})
_ROUNDED = 1e-6


def _spent(run: Examined, stage: str) -> tuple[float, float | None]:
    """(seconds, USD) by the record, or as the manifest claims."""
    record = run.records.get(stage)
    if record is not None:
        return record.wall_clock_sec, record.cost_usd
    entry = run.manifest.stages[stage]
    return entry.wall_clock_sec, entry.cost_usd


def _said(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.5g}"
