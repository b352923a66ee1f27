"""Pass: what every stage will take, in FLOPs, hours and dollars."""

from pipeline_dsl.base.units import Flops, Seconds
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.plan.plan import Estimate, Interval

_HOUR = 3600.0
_DAY = 24 * _HOUR


def works(graph: Graph) -> dict[AnyStage, Work]:
    """What each stage says that it takes, given the sizes that flow into it.

    A stage whose own arithmetic fails on its values takes an unknown amount: the faulty values have their own diagnostics.
    """
    sizes: dict[AnyStage, Size] = {}
    found: dict[AnyStage, Work] = {}
    known = Sizes(sizes)  # pyright: ignore[reportArgumentType]
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
    slow, likely, fast = place.mfu_range
    rate = place.device.bf16 * max(place.devices, 1)
    seconds = Interval(*(work.flops / (rate * mfu) + work.seconds if rate and mfu else work.seconds for mfu in (fast, likely, slow)))
    hourly = place.hourly
    usd = None if hourly is None else Interval(*(hourly * place.devices * value / _HOUR for value in (seconds.low, seconds.point, seconds.high)))
    said = "declared" if place.mfu is not None else "assumed"
    price = "price unknown" if hourly is None else f"${hourly:g}/h"
    note = f"{place.devices} x {place.device.name}, MFU {100 * slow:.0f}-{100 * fast:.0f}% {said}, {price}"
    return Estimate(flops=work.flops, seconds=seconds, usd=usd, assumptions=note, unknown=work.unknown)


def tier(stage: AnyStage, estimated: Estimate) -> str:
    """What a failure of the stage costs: hours are cheap, days medium, weeks expensive."""
    if stage.tier is not None:
        return stage.tier
    if estimated.seconds.point < _DAY:
        return "cheap"
    return "medium" if estimated.seconds.point < 14 * _DAY else "expensive"
