from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import said


class DuplicatesAcrossParts(FactCheck):
    """The parts of a corpus are deduplicated, each by itself and after it was divided.

    A document and its copy may then lie in training and in test, where nobody looks for them any more: more than one in a hundred
    validation documents of C4 have a near duplicate in its training part (Lee et al., 2022, arXiv:2107.06499, table 2).
    """

    code = "PDSL239"
    severity = Severity.WARNING
    bad = (
        "web = Crawl()\ntrain = Deduplicate(corpus=Part(corpus=web, part='train'))\n"
        "test = Deduplicate(corpus=Part(corpus=web, part='test'))"
    )
    good = "web = Deduplicate(corpus=Crawl())\ntrain = Part(corpus=web, part='train')\ntest = Part(corpus=web, part='test')"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        clean: set[AnyStage] = set()
        for stage in graph.order:
            edges = graph.inputs.get(stage, ())
            cleans = said(stage, "deduplicates", bool)
            if cleans and edges and not any(edge.producer in clean for edge in edges):
                parts = {edge.producer: division for edge in edges if (division := edge.producer.division()) is not None}
                if len(parts) == 1 and len(edges) == 1 and next(iter(parts.values())).part == "train":
                    (part,) = parts
                    yield self.finding(
                        f"`{graph.names[stage]}` looks for duplicates in `{graph.names[part]}` alone: copies in the other parts stay",
                        at=graph.argument(stage, edges[0].field.name),
                        related=[("divided here", graph.span(part))],
                        help="deduplicate first, then divide: `Split(corpus=Deduplicate(...))`",
                    )
            if cleans or any(edge.producer in clean for edge in edges):
                clean.add(stage)
