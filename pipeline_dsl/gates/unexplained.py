"""What of two runs nothing explains that is declared or that they ran with."""

import math
from collections.abc import Iterator

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.units import dollars, duration
from pipeline_dsl.gates.examined import Examined, Flag
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.gates.movement import Movement
from pipeline_dsl.gates.shift import Shift
from pipeline_dsl.plan.comparison import Pair
from pipeline_dsl.store.manifest import StageEntry
from pipeline_dsl.store.tree import Tree

FACTOR = 1.5
"""A stage that takes, or costs, this many times what it did, or so much less, moved much: other machines and other load are less."""
LEAST = 5.0
"""Seconds by which its time must have moved for that: below, a machine's own noise is as large."""


def unexplained(pair: Pair, before: StageEntry, after: StageEntry, moved: list[Movement], ran: list[Shift], files: str) -> Iterator[Flag]:
    """Results of a stage that are others than before, though its definition, its code and what it ran with are the same."""
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


def unshared(old: Tree | None, new: Tree | None) -> str:
    """The files that two artifacts do not share, where both are here."""
    if old is None or new is None:
        return ""
    first, second = ({entry.path: entry.digest for entry in tree.files} for tree in (old, new))
    unlike = [path for path in sorted({*first, *second}) if first.get(path) != second.get(path)]
    shown = ", ".join(unlike[:5]) + (f" and {len(unlike) - 5} more" if len(unlike) > 5 else "")
    return f" ({shown} of {len(first)} files)" if unlike else " (in their metadata alone)"


def figures(pair: Pair, old: Examined, new: Examined) -> Iterator[Flag]:
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
