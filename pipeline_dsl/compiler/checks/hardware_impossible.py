from collections.abc import Callable, Iterator
from functools import partial

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.hardware import Hardware


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

    def _place(self, place: object, at: Callable[[], Span]) -> Iterator[Diagnostic]:
        if not isinstance(place, Hardware):
            yield self.finding(f"`on` is Hardware, not {type(place).__name__}", at=at(), help="write Hardware(device=H100, count=8)")
            return
        for name, value in (("count", place.count), ("nodes", place.nodes)):
            if type(value) is not int or value < 1:
                yield self.finding(f"`{name}` is {value!r}; it must be a whole number of at least 1", at=at())
        if place.mfu is not None and not 0 < place.mfu <= 1:
            advice = f"write {place.mfu / 100:g}" if 1 < place.mfu <= 100 else ""
            yield self.finding(f"`mfu` is {place.mfu:g}; it is a share of the peak, above 0 and at most 1", at=at(), help=advice)
        if place.price is not None and not place.price >= 0:
            yield self.finding(f"`price` is {place.price:g} USD an hour", at=at())
