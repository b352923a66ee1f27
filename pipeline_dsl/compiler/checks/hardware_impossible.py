import math
from collections.abc import Callable, Iterator
from functools import partial

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.values import walk
from pipeline_dsl.lang.hardware import Hardware

_MOST = 100_000_000
"""Devices: a hundred times the largest cluster that anybody has announced."""

_MOST_FLOPS = 1e20
"""A device's peak, FLOP/s: tens of thousands of times that of the fastest one."""


class HardwareImpossible(ShapeCheck):
    """A machine is described that cannot be: no devices, or more work than its peak."""

    code = "PDSL306"
    bad = "web = Crawl(on=Hardware(device=H100, count=0))\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(on=Hardware(device=H100, count=8))\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        yield from self._place(graph.pipeline.on, lambda: graph.pipeline_argument("on"))
        for stage in graph.order:
            if stage.on is not None:
                yield from self._place(stage.on, partial(graph.argument, stage, "on"))

    def _place(self, place: Hardware, at: Callable[[], Span]) -> Iterator[Diagnostic]:
        if any(walk(place, Hardware)):
            return  # `value_mistyped` reports it
        for name, value in (("count", place.count), ("nodes", place.nodes)):
            if value < 1:
                yield self.finding(
                    f"`{name}` is {value!r}; it must be a whole number of at least 1", at=at(), help=f"write {name}=1 or more"
                )
        if place.devices > _MOST:
            yield self.finding(f"{place.count} devices on each of {place.nodes} machines are more than there are", at=at())
        if place.mfu is not None and not 1e-6 <= place.mfu <= 1:
            advice = f"write {place.mfu / 100:g}" if 1 < place.mfu <= 100 else ""
            yield self.finding(f"`mfu` is {place.mfu:g}; it is a share of the peak, above 0 and at most 1", at=at(), help=advice)
        for name, value, unit in (("time_limit", place.time_limit, "hours"), ("host_memory", place.host_memory, "bytes")):
            if value is not None and not 0 < value < math.inf:
                advice = "leave it out, if nobody knows it"
                yield self.finding(f"`{name}` is {value:g} {unit}; it must be above 0, and finite", at=at(), help=advice)
        if place.device.memory < 1:
            yield self.finding(
                f"the memory of {place.device.name} is {place.device.memory} bytes", at=at(), help="it is above 0, such as 80_000_000_000"
            )
        if not 0 < place.device.peak < _MOST_FLOPS:
            yield self.finding(
                f"the peak of {place.device.name} is {place.device.peak:g} FLOP/s", at=at(), help="it is above 0, and finite"
            )
        if place.hourly is not None and not 0 <= place.hourly < 1e9:
            yield self.finding(f"the price is {place.hourly:g} USD an hour", at=at(), help="it is at least 0; None, if nobody knows it")
