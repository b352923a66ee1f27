from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph, declared_order


class Cycle(ShapeCheck):
    """Stages need each other in a circle, so none of them can run first."""

    code = "PDSL303"
    bad = "parts = [Crawl()]\nmerged = Merge(corpora=parts)\nparts.append(Merge(corpora=(merged,)))"
    good = "parts = [Crawl(), Crawl(depth=2)]\nmerged = Merge(corpora=tuple(parts))"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        if not graph.cycle:
            return
        first, *others = sorted(graph.cycle, key=declared_order)
        names = " -> ".join(graph.names[stage] for stage in (*graph.cycle, graph.cycle[0]))
        yield self.finding(
            f"stages need each other in a circle: {names}",
            at=graph.span(first),
            related=[(f"`{graph.names[stage]}`", graph.span(stage)) for stage in others],
            help="a stage reads only what was declared before it",
        )
