"""What stages took, from their records; where there is none, what their plan expects."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import attrs

from pipeline_dsl.plan.plan import Interval, PlannedStage
from pipeline_dsl.store.record import Record

NOTHING = Interval(0.0, 0.0, 0.0)


@attrs.frozen(kw_only=True)
class Spent:
    """One stage's wall clock, its USD (None where the price is unknown), and whether that was measured or is expected, with 80%."""

    stage: PlannedStage
    seconds: Interval
    usd: Interval | None
    measured: bool

    @property
    def hours(self) -> Interval:
        """Hours of one device, on all devices together."""
        by = self.stage.devices / 3600
        return Interval(self.seconds.low * by, self.seconds.point * by, self.seconds.high * by)


@attrs.frozen(kw_only=True)
class Sum:
    """What several stages take: one after another, along the longest chain of them, in hours of each device, and in USD."""

    stages: int
    measured: int
    seconds: Interval
    longest: Interval
    hours: Mapping[str, Interval]
    gpu_hours: Interval
    usd: Interval | None


def spent(stage: PlannedStage, record: Record | None) -> Spent:
    """What a stage took by its record, else what its plan expects."""
    if record is None:
        return Spent(stage=stage, seconds=stage.estimate.seconds, usd=stage.estimate.usd, measured=False)
    wall, usd = record.wall_clock_sec, record.cost_usd
    priced = None if usd is None else Interval(usd, usd, usd)
    return Spent(stage=stage, seconds=Interval(wall, wall, wall), usd=priced, measured=True)


def total(parts: Iterable[Spent]) -> Sum:
    """The sum of stages that are given in an order in which they can run."""
    known = list(parts)
    hours: defaultdict[str, Interval] = defaultdict(lambda: NOTHING)
    ends: dict[str, Interval] = {}
    gpu = seconds = NOTHING
    usd: Interval | None = NOTHING
    for part in known:
        hours[part.stage.device] = _plus(hours[part.stage.device], part.hours)
        gpu = _plus(gpu, part.hours) if part.stage.accelerated else gpu
        seconds = _plus(seconds, part.seconds)
        usd = None if usd is None or part.usd is None else _plus(usd, part.usd)
        before = [ends[parent] for parent in part.stage.parents if parent in ends]
        ends[part.stage.name] = _plus(_latest(before), part.seconds)
    return Sum(
        stages=len(known),
        measured=sum(part.measured for part in known),
        seconds=seconds,
        longest=_latest(ends.values()),
        hours=dict(hours),
        gpu_hours=gpu,
        usd=usd,
    )


def _plus(one: Interval, other: Interval) -> Interval:
    """Two intervals added end by end."""
    return Interval(one.low + other.low, one.point + other.point, one.high + other.high)


def _latest(ends: Iterable[Interval]) -> Interval:
    known = list(ends)
    return Interval(*(max(getattr(end, name) for end in known) for name in ("low", "point", "high"))) if known else NOTHING
