from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph


class StageUnused(ShapeCheck):
    """A stage is declared that no target needs, so it would never run.

    Usually a target was forgotten, or an input still names an older stage.
    """

    code = "PDSL304"
    bad = "web = Crawl()\nforgotten = Crawl()\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl()\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for name, stage in graph.unused:
            yield self.finding(
                f"`{name}` is declared, but no target needs it",
                at=graph.span(stage),
                help="add it to `targets`, use it, or remove it",
            )
