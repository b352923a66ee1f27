"""A rollback as text for a terminal and as JSON for a program."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.units import dollars, duration
from pipeline_dsl.cli.bill import spread
from pipeline_dsl.cli.formats.columns import aligned
from pipeline_dsl.cli.report import relative
from pipeline_dsl.plan.plan import Interval
from pipeline_dsl.runner.invalidation import Applied
from pipeline_dsl.runner.last_good import Good
from pipeline_dsl.runner.rollback import Rollback
from pipeline_dsl.runner.spent import Spent, Sum
from pipeline_dsl.store.record import Record


def as_text(found: Rollback, path: Path) -> str:
    """What a failure means, as a person reads it; `path` is the manifest's."""
    plan, failed = found.plan, found.failed
    lines = [
        f"{plan.pipeline} {plan.pipeline_version}, plan {short(plan.digest)}: {failed.name} failed ({failed.tier}, {failed.on_failure})",
        "",
    ]
    rows = [("", "rollback set", "tier", "action", "time", "USD", "")]
    rows += [_row(found, name) for name in found.invalid]
    lines += [f"  {line}" for line in aligned(rows)]
    lines += ["", f"To run again: {_count(found.cost)}: {_sum(found.cost)}"]
    lines.append(f"From the cache: {_names(found.cached)}")
    if found.pending:
        lines.append(f"Never done, and due as well: {_names(found.pending)}")
    lines.append(f"Saved against a full re-run ({_sum(found.whole)}): {_flat(found.saved)}{_share(found.saved, found.whole)}")
    lines += [f"damaged: {fault}" for fault in found.damaged.values()]
    lines += ["", *_good(found)] if found.good else []
    lines.append(f"next: pdsl rollback {relative(str(path))} --failed {failed.name} --apply" + _advice(found))
    return "\n".join(lines) + "\n"


def _advice(found: Rollback) -> str:
    if found.failed.on_failure == "retrain":
        return ", with `--revised PIPELINE` once its inputs are revised"
    return ""


def _row(found: Rollback, name: str) -> tuple[str, ...]:
    stage, part = found.plan.stage(name), found.spent[name]
    usd = "price unknown" if part.usd is None else spread(part.usd, dollars)
    mark = "!" if stage is found.failed else ">"
    return mark, name, stage.tier, stage.on_failure, spread(part.seconds, duration), usd, "measured" if part.measured else "estimated"


def _good(found: Rollback) -> Iterator[str]:
    yield "Last good artifacts of what is expensive:"
    width = max(map(len, found.good))
    for name, good in found.good.items():
        yield f"  {name:<{width}}  {'none' if good is None else _shown(good)}"


def _shown(good: Good) -> str:
    metrics = "".join(f", {metric} {value:.4g}" for metric, value in good.metrics.items())
    run = "a run whose manifest is gone" if good.run is None else good.run if good.run == "this run" else relative(good.run)
    then = "".join(f", {change.field} {change.old!r} there and {change.new!r} here" for change in good.changed if change.field)
    return f"{good.output} of {run}{metrics}{then}"


def _count(cost: Sum) -> str:
    return f"{cost.stages} stage{'s' if cost.stages > 1 else ''}, {cost.measured} by what was really spent"


def _sum(cost: Sum) -> str:
    chain = "" if cost.longest == cost.seconds else f"; {spread(cost.longest, duration)} along the longest chain"
    return _flat(cost) + chain


def _flat(cost: Sum) -> str:
    hours = [f"{spread(hours, _hours)} hours of {device}" for device, hours in cost.hours.items()]
    usd = "price unknown" if cost.usd is None else spread(cost.usd, dollars)
    return ", ".join([spread(cost.seconds, duration), usd, *hours])


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.2g}"


def _share(part: Sum, whole: Sum) -> str:
    return f", {100 * part.seconds.point / whole.seconds.point:.0f}% of the time" if whole.seconds.point else ""


def _names(names: tuple[str, ...]) -> str:
    if not names:
        return "nothing"
    shown = names if len(names) <= _SHOWN else (*names[: _SHOWN - 2], "...", names[-1])
    return f"{len(names)} stage{'s' if len(names) > 1 else ''}: {', '.join(shown)}"


_SHOWN = 12


def applied_text(done: Applied) -> str:
    """What a rollback did, and what it saved, as a person reads it."""
    figures = _measured(done)
    lines = [undone(done.aside)]
    lines.append(f"ran again: {_names(tuple(done.ran))}")
    lines.append(f"from the cache: {_names(tuple(done.reused))}")
    again, whole, saved = figures["ran"], figures["whole"], figures["saved"]
    if done.outcome.fault is None and not done.outcome.interrupted and whole["seconds"]:
        lines.append(
            f"measured: {duration(again['seconds'])} and {dollars(again['usd'])} again, in {duration(done.outcome.seconds)} of wall clock; "
            f"the whole took {duration(whole['seconds'])} and {dollars(whole['usd'])}: "
            f"saved {duration(saved['seconds'])} ({100 * saved['seconds'] / whole['seconds']:.0f}%) and {dollars(saved['usd'])}"
        )
    lines.append(f"manifest: {relative(str(done.outcome.manifest))}")
    return "\n".join(lines) + "\n"


def undone(aside: str | None) -> str:
    """How what was set aside is put back."""
    return "there was nothing to set aside" if aside is None else f"set aside: {aside}; `pdsl rollback --undo {aside}` puts it back"


def _measured(done: Applied) -> dict[str, dict[str, Any]]:
    """What ran again, what did not have to, and both: by their records."""
    parts = {"ran": done.ran, "saved": done.reused, "whole": {**done.ran, **done.reused}}
    return {name: {"seconds": _seconds(records), "usd": _usd(records)} for name, records in parts.items()}


def _seconds(records: Mapping[str, Record]) -> float:
    return round(sum(record.wall_clock_sec for record in records.values()), 3)


def _usd(records: Mapping[str, Record]) -> float | None:
    costs = [record.cost_usd for record in records.values()]
    return None if None in costs else sum(cost or 0.0 for cost in costs)


def as_data(found: Rollback) -> dict[str, Any]:
    """What a failure means, as plain data."""
    return {
        "version": 1,
        "pipeline": found.plan.pipeline,
        "plan": found.plan.digest,
        "failed": found.failed.name,
        "action": found.failed.on_failure,
        "rollback_set": list(found.invalid),
        "cached": list(found.cached),
        "pending": list(found.pending),
        "damaged": dict(found.damaged),
        "stages": [_stage_data(found, part) for part in found.spent.values()],
        "cost": unstructure(found.cost),
        "full_rerun": unstructure(found.whole),
        "saved": unstructure(found.saved),
        "last_good": {name: None if good is None else _good_data(good) for name, good in found.good.items()},
    }


def _stage_data(found: Rollback, part: Spent) -> dict[str, Any]:
    stage = part.stage
    return {
        "name": stage.name,
        "tier": stage.tier,
        "action": stage.on_failure,
        "invalid": stage.name in found.invalid,
        "device": stage.device,
        "devices": stage.devices,
        "seconds": _interval(part.seconds),
        "usd": None if part.usd is None else _interval(part.usd),
        "measured": part.measured,
    }


def _good_data(good: Good) -> dict[str, Any]:
    return {**unstructure(good), "changed": [unstructure(change) for change in good.changed]}


def _interval(interval: Interval) -> dict[str, float]:
    return attrs.asdict(interval)


def applied_data(done: Applied) -> dict[str, Any]:
    """What a rollback did, as plain data."""
    fault = done.outcome.fault
    return {
        "aside": done.aside,
        "manifest": str(done.outcome.manifest),
        "ran": list(done.ran),
        "from_cache": list(done.reused),
        "wall_clock_sec": round(done.outcome.seconds, 3),
        "measured": _measured(done),
        "status": "failed" if fault else "interrupted" if done.outcome.interrupted else "complete",
        "fault": None if fault is None else {"code": fault.code, "message": fault.message},
    }
