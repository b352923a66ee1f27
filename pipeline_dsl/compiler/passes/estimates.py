"""Pass: what every stage will take, in FLOPs, hours and dollars."""

from functools import cache
from typing import Any

from pipeline_dsl.base.units import Flops, Seconds
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.plan.plan import Estimate, Interval

_HOUR = 3600.0
_DAY = 24 * _HOUR


def works(graph: Graph) -> dict[AnyStage, Work]:
    """What each stage says that it takes, given the sizes that flow into it.

    A stage whose own arithmetic fails on its values takes an unknown amount: the faulty values have their own diagnostics.
    """
    sizes: dict[Ref[Any], Size] = {}
    found: dict[AnyStage, Work] = {}
    known = Sizes(sizes)
    for stage in graph.order:
        try:
            sizes[stage] = stage.size(known)
            found[stage] = stage.cost(known)
        except (ArithmeticError, TypeError, ValueError, AttributeError) as error:
            sizes[stage] = Size()
            found[stage] = Work(flops=Flops(0), seconds=Seconds(0), unknown=f"its cost cannot be computed: {error}")
    return found


def hardware(graph: Graph) -> dict[AnyStage, Hardware]:
    """Where each stage runs: its own place, or the pipeline's."""
    return {stage: stage.on or graph.pipeline.on for stage in graph.order}


def estimate(work: Work, place: Hardware) -> Estimate:
    """A stage's wall clock and price on a machine, as a range over the utilization that is assumed."""
    rates, dearness, note = _terms(place)
    seconds = Interval(*(work.seconds + work.flops / rate if work.flops else work.seconds for rate in rates))
    usd = None if dearness is None else Interval(seconds.low * dearness, seconds.point * dearness, seconds.high * dearness)
    return Estimate(flops=work.flops, seconds=seconds, usd=usd, assumptions=note, unknown=work.unknown)


@cache
def _terms(place: Hardware) -> tuple[tuple[float, float, float], float | None, str]:
    """What a machine does a second at best, likely and at worst; what it costs a second; and what of that is assumed."""
    slow, likely, fast = place.mfu_range
    peak = place.device.peak * place.devices
    hourly = place.hourly
    said = "declared" if place.mfu is not None else "assumed"
    price = "price unknown" if hourly is None else f"${hourly:g}/h"
    note = f"{place.devices} x {place.device.name}, MFU {100 * slow:.0f}-{100 * fast:.0f}% {said}, {price}"
    return (fast * peak, likely * peak, slow * peak), None if hourly is None else hourly * place.devices / _HOUR, note


def tier(stage: AnyStage, estimated: Estimate) -> str:
    """What a failure of the stage costs: hours are cheap, days medium, weeks expensive."""
    if stage.tier is not None:
        return stage.tier
    if estimated.seconds.point < _DAY:
        return "cheap"
    return "medium" if estimated.seconds.point < 14 * _DAY else "expensive"
