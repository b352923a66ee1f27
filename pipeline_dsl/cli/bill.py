"""Figures of a plan, added up, spelled and compared."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import attrs

from pipeline_dsl.base.units import dollars, scaled
from pipeline_dsl.cli.formats.columns import aligned
from pipeline_dsl.compiler.what_if import Costed
from pipeline_dsl.plan.plan import Interval, PlannedStage


@attrs.frozen
class Total:
    """What several stages take together; USD is None where one price is unknown."""

    flops: float
    six_nd: float
    hours: Interval
    usd: Interval | None


def device_hours(stage: Costed) -> Interval:
    """Hours of one device, on all devices together."""
    seconds = stage.estimate.seconds
    return Interval(*(end * stage.devices / 3600 for end in (seconds.low, seconds.point, seconds.high)))


def total(stages: Iterable[Costed]) -> Total:
    """The stages' figures, added up end by end. Six ND counts the exact FLOPs of stages that it says nothing about."""
    known = list(stages)
    rules = (stage.estimate.flops if stage.estimate.six_nd is None else stage.estimate.six_nd for stage in known)
    prices = [stage.estimate.usd for stage in known]
    usd = None if None in prices else _sum(price for price in prices if price is not None)
    return Total(sum(stage.estimate.flops for stage in known), sum(rules), _sum(device_hours(stage) for stage in known), usd)


def hours_by_device(stages: Iterable[Costed | PlannedStage]) -> list[tuple[str, Interval]]:
    """(device, its hours) of every kind of device, that with most dollars first: hours of one kind are not those of another."""
    spent: dict[str, list[float]] = {}
    for stage in stages:
        sums, taken = spent.setdefault(stage.device, [0.0, 0.0, 0.0, 0.0]), stage.estimate
        hours = stage.devices / 3600
        sums[0] += taken.usd.point if taken.usd else 0.0
        sums[1] += taken.seconds.low * hours
        sums[2] += taken.seconds.point * hours
        sums[3] += taken.seconds.high * hours
    return [(device, Interval(*sums[1:])) for device, sums in sorted(spent.items(), key=lambda item: -item[1][0])]


def spread(interval: Interval, spell: Callable[[float], str]) -> str:
    """`$12 ($9.80 to $15)`; the point alone where nothing is uncertain."""
    low, point, high = (spell(end) for end in (interval.low, interval.point, interval.high))
    return point if low == high else f"{point} ({low} to {high})"


def compared(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """What changed between two costings, the dearest change first, and the total.

    Stages are matched by name; numbers in front of default names are not part of it, the place among stages of one kind is.
    """
    old, new = _named(before), _named(after)
    rows = [
        [name, _change(old.get(name), new.get(name), "flops", scaled), _change(old.get(name), new.get(name), "usd", dollars)]
        for name in sorted(old.keys() | new.keys(), key=lambda name: -abs(_usd(new.get(name)) - _usd(old.get(name))))
        if _told(old.get(name)) != _told(new.get(name))
    ]
    if not rows:
        return ["  nothing that costs"]
    whole = [None if any(stage["usd"] is None for stage in side) else sum(_usd(stage) for stage in side) for side in (before, after)]
    rows.append(["total", "", f"{dollars(whole[0])} -> {dollars(whole[1])}{_percent(whole[0], whole[1])}"])
    return [f"  {line}" for line in aligned(rows)]


def _named(stages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    seen: Counter[str] = Counter()
    found: dict[str, dict[str, Any]] = {}
    for stage in stages:
        name = re.sub(r"^\d+_", "", stage["name"])
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = stage
    return found


def _told(stage: dict[str, Any] | None) -> tuple[Any, ...] | None:
    if stage is None:
        return None
    return (stage["device"], stage["devices"], *(_point(stage, name) for name in ("flops", "usd", "device_hours", "million_usd")))


def _point(stage: dict[str, Any], name: str) -> float | None:
    value = stage[name]
    return cast("dict[str, float]", value)["point"] if isinstance(value, dict) else value


def _usd(stage: dict[str, Any] | None) -> float:
    return 0.0 if stage is None else _point(stage, "usd") or 0.0


def _change(old: dict[str, Any] | None, new: dict[str, Any] | None, name: str, spell: Callable[[float], str]) -> str:
    if old is None or new is None:
        there = new or old
        point = None if there is None else _point(there, name)
        return f"{'added' if old is None else 'gone'}, {'unknown' if point is None else spell(point)}"
    first, second = _point(old, name), _point(new, name)
    if first == second:
        return "unchanged" if first is None else spell(first)
    said = " -> ".join("unknown" if point is None else spell(point) for point in (first, second))
    return said + _percent(first, second)


def _percent(old: float | None, new: float | None) -> str:
    return "" if not old or new is None or old == new else f" ({100 * (new / old - 1):+.0f}%)"


def _sum(intervals: Iterable[Interval]) -> Interval:
    ends = list(_ends(intervals))
    return Interval(*(sum(column) for column in zip(*ends, strict=True))) if ends else Interval(0.0, 0.0, 0.0)


def _ends(intervals: Iterable[Interval]) -> Iterator[tuple[float, float, float]]:
    return ((interval.low, interval.point, interval.high) for interval in intervals)
