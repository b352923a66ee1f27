from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.stage import is_stage


class StageUnused(ShapeCheck):
    """A stage is declared that no target needs, so it would never run.

    Usually a target was forgotten, or an input still names an older stage. Only names are looked at, and what lies in a list,
    a tuple or a dictionary under a name; one that begins with `_` may hold what it likes.
    """

    code = "PDSL304"
    bad = "web = Crawl()\nforgotten = Crawl()\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl()\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        targets = graph.pipeline.targets
        if graph.undescribed or graph.misplaced or not isinstance(targets, list | tuple) or not all(map(is_stage, targets)) or not targets:
            return  # what is amiss there may be what would need it
        for name, stage in graph.unused:
            yield self.finding(
                f"`{name}` is declared, but no target needs it",
                at=graph.span(stage),
                help="add it to `targets`, use it, or remove it",
            )
