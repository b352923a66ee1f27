from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.values import misfits, walk
from pipeline_dsl.lang.hardware import Hardware


class ValueMistyped(ShapeCheck):
    """A field is given a value of another type than it is declared with, which an editor would have underlined too.

    That holds for what is inside of it as well: the items of a tuple, the fields of an architecture. A number in quotes is no
    number, `1e6` is no whole one, and `("a")` without a comma is no tuple.
    """

    code = "PDSL202"
    bad = "web = Crawl(depth='3')\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(depth=3)\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage in graph.order:
            for field, misfit in misfits(stage, "type"):
                yield self.finding(
                    f"`{type(stage).__name__}.{field.name}{misfit.path}` {misfit.text}",
                    at=graph.argument(stage, field.name),
                    help=misfit.help,
                )
        yield from self._pipeline(graph)

    def _pipeline(self, graph: Graph) -> Iterator[Diagnostic]:
        for name, kind in (("name", str), ("version", str), ("seed", int)):
            value = getattr(graph.pipeline, name)
            if type(value) is not kind:
                yield self.finding(
                    f"`Pipeline.{name}` is {kind.__name__}, not {type(value).__name__}",
                    at=graph.pipeline_argument(name),
                    help=f"write {str(value)!r}" if kind is str and isinstance(value, int | float) else "",
                )
        if graph.pipeline.use not in (None, "commercial", "research"):
            yield self.finding(
                f"`Pipeline.use` is {graph.pipeline.use!r}, which is no use that licences know",
                at=graph.pipeline_argument("use"),
                help='write use="commercial" or use="research"',
            )
        for launcher in graph.pipeline.launchers:
            for misfit in (misfit for misfit in walk(launcher, type(launcher)) if misfit.kind == "type"):
                where = graph.pipeline_argument("launchers")
                yield self.finding(f"`{type(launcher).__name__}{misfit.path}` {misfit.text}", at=where, help=misfit.help)
        for misfit in walk(graph.pipeline.on, Hardware):
            yield self.finding(f"`Pipeline.on{misfit.path}` {misfit.text}", at=graph.pipeline_argument("on"), help=misfit.help)
