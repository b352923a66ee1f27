import math
from collections.abc import Callable, Iterator
from functools import partial

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.values import walk
from pipeline_dsl.lang.device import Device
from pipeline_dsl.lang.hardware import Hardware

_MOST = 100_000_000
"""Devices: a hundred times the largest cluster that anybody has announced."""

_MOST_FLOPS = 1e20
"""A device's peak, FLOP/s: tens of thousands of times that of the fastest one."""


_LEAST_FLOPS = 1e6
_LEAST_MEMORY = 1e6
_LEAST_BANDWIDTH = 1e6
"""Below these it is no device, but a number in TFLOP/s, GB or GB/s, as data sheets have them."""


class HardwareImpossible(ShapeCheck):
    """A machine is described that cannot be: no devices, or more work than its peak, or one in the units of a data sheet."""

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
        yield from self._device(place.device, at)
        if place.hourly is not None and not 0 <= place.hourly < 1e9:
            yield self.finding(f"the price is {place.hourly:g} USD an hour", at=at(), help="it is at least 0; None, if nobody knows it")

    def _device(self, device: Device, at: Callable[[], Span]) -> Iterator[Diagnostic]:
        """Values that are no device's, most often because they are in the data sheet's units."""
        for what, value, unit, (least, most), usual, scale in (
            ("memory", device.memory, "bytes", (_LEAST_MEMORY, math.inf), "such as 80_000_000_000", 1e9),
            ("peak", device.peak, "FLOP/s", (_LEAST_FLOPS, _MOST_FLOPS), "such as 989e12", 1e12),
            ("memory bandwidth", device.bandwidth, "bytes/s", (_LEAST_BANDWIDTH, math.inf), "such as 3350e9", 1e9),
        ):
            if value is None or least <= value < most:
                continue
            told = f"write {value:g}e{round(math.log10(scale))}" if least <= value * scale < most else f"it is above 0, and finite, {usual}"
            yield self.finding(f"the {what} of {device.name} is {value:g} {unit}", at=at(), help=told)
