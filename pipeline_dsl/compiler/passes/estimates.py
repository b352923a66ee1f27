"""Pass: what every stage will take, in FLOPs, hours and dollars."""

from functools import cache
from typing import Any, cast

from pipeline_dsl.base.units import Flops, Seconds
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.lang.utilization import BANDWIDTH, Utilization, declared, predict
from pipeline_dsl.plan.plan import ACTIONS, Estimate, Interval

_HOUR = 3600.0
_DAY = 24 * _HOUR
EXPENSIVE = 14 * _DAY
"""Seconds from which a stage is expensive."""


def works(graph: Graph) -> tuple[dict[AnyStage, Size], dict[AnyStage, Work]]:
    """How large each stage says that its artifact is, and what making it takes, given the sizes that flow into it.

    A stage whose own arithmetic fails on its values takes an unknown amount: the faulty values have their own diagnostics.
    """
    sizes: dict[AnyStage, Size] = {}
    found: dict[AnyStage, Work] = {}
    known = Sizes(cast("dict[Ref[Any], Size]", sizes))  # the very mapping, which fills as we go
    for stage in graph.order:
        try:
            sizes[stage] = stage.size(known)
            found[stage] = stage.cost(known)
        except (ArithmeticError, TypeError, ValueError, AttributeError) as error:
            sizes[stage] = Size()
            found[stage] = Work(flops=Flops(0), seconds=Seconds(0), unknown=f"its cost cannot be computed: {error}")
    return sizes, found


def hardware(graph: Graph) -> dict[AnyStage, Hardware]:
    """Where each stage runs: its own place, or the pipeline's."""
    return {stage: stage.on or graph.pipeline.on for stage in graph.order}


def estimate(work: Work, place: Hardware) -> Estimate:
    """A stage's wall clock and price on a machine, with an 80% interval over how well it uses the machine.

    Writing tokens takes as long as the slower of two: reading weights and cache from memory, or the arithmetic.
    """
    if not (work.flops or work.written or work.million):
        return _waiting(work.seconds, place, work.assumed, work.unknown)
    used = _utilization(place, work.model, work.precision, work.attention, work.recompute, work.padded)
    peak = place.device.peak * place.devices
    shares = (used.high, used.point, used.low)
    bands = _bandwidths(place)
    unknown = work.unknown
    spent: list[float] = []
    for share, band in zip(shares, bands, strict=True):
        seconds = work.seconds + work.flops / (share * peak)
        if work.written:
            seconds += max(work.written / (share * peak), work.read / band if band else 0.0)
        spent.append(seconds)
    if work.read and not bands[1]:
        unknown = "; ".join(filter(None, (unknown, f"the memory bandwidth of {place.device.name}")))
    hourly = place.hourly
    dearness = None if hourly is None else hourly * place.devices / _HOUR
    served = None if work.million is None else estimate(work.million, place)
    return Estimate(
        flops=work.flops + work.written,
        six_nd=work.rule,
        recomputed=work.recomputed,
        read=work.read,
        seconds=Interval(*spent),
        usd=None if dearness is None else Interval(*(seconds * dearness for seconds in spent)),
        million_usd=None if served is None or served.unknown else served.usd,
        mfu=Interval(used.low, used.point, used.high) if work.flops else None,
        assumptions=_assumptions(
            place, used if work.flops else None, reads=bool(work.read or (work.million and work.million.read)), more=work.assumed
        ),
        unknown=unknown,
    )


@cache
def _waiting(seconds: float, place: Hardware, assumed: str, unknown: str) -> Estimate:
    """A stage without arithmetic: nothing about its time is uncertain. Large pipelines have thousands of them."""
    usd = None if place.hourly is None else seconds * place.hourly * place.devices / _HOUR
    return Estimate(
        flops=0.0,
        seconds=Interval(seconds, seconds, seconds),
        usd=None if usd is None else Interval(usd, usd, usd),
        assumptions=_assumptions(place, None, reads=False, more=assumed),
        unknown=unknown,
    )


@cache
def _utilization(place: Hardware, model: Llama | None, precision: str, attention: str, recompute: str, padded: bool) -> Utilization:
    if place.mfu is not None:
        return declared(place.mfu)
    return predict(
        place.device,
        place.devices,
        parameters=None if model is None else model.active_parameters,
        experts=model is not None and model.experts is not None,
        precision=precision,
        attention=attention,
        recompute=recompute,
        padded=padded,
    )


@cache
def _bandwidths(place: Hardware) -> tuple[float, float, float]:
    """Bytes/s that all devices read together, at best, likely and at worst; 0 where nobody knows."""
    low, point, high = (share * (place.device.bandwidth or 0.0) * place.devices for share in BANDWIDTH)
    return high, point, low


@cache
def _assumptions(place: Hardware, used: Utilization | None, *, reads: bool, more: str) -> str:
    """What of an estimate is assumed."""
    said = [f"{place.devices} x {place.device.name}"]
    if used is not None:
        said.append(f"MFU {100 * used.low:.0f}-{100 * used.high:.0f}% {used.basis}")
    if reads:
        said.append(f"{100 * BANDWIDTH[0]:.0f}-{100 * BANDWIDTH[2]:.0f}% of memory bandwidth while tokens are written")
    if place.hourly is None:
        said.append("price unknown")
    elif place.price is not None:
        said.append(f"${place.hourly:g}/h given")
    else:
        listed = place.device.price_range
        between = f", listed ${listed[0]:g}-{listed[1]:g}" if listed else ""
        said.append(f"${place.hourly:g}/h ({place.device.price_date}{between})")
    return ", ".join([*said, *([more] if more else [])])


def tier(stage: AnyStage, estimated: Estimate) -> str:
    """What a failure of the stage costs: hours are cheap, days medium, weeks expensive."""
    if stage.tier is not None:
        return stage.tier
    if estimated.seconds.point < _DAY:
        return "cheap"
    return "medium" if estimated.seconds.point < EXPENSIVE else "expensive"


def on_failure(stage: AnyStage, tier: str) -> str:
    """What is done about a failure: what was declared, or what its tier suggests."""
    return stage.on_failure or ACTIONS[tier]
