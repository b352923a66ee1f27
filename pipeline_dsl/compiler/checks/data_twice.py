from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import said


class DataTwice(FactCheck):
    """One input lists the same data, or the same model, twice.

    Every document then counts double, and epochs are twice what they say; mostly a name was copied and not changed. Two
    declarations that say the same are the same. Where more weight is meant, a field such as `repeats` says so.
    """

    code = "PDSL237"
    severity = Severity.WARNING
    bad = "web = Crawl()\nall_text = Merge(corpora=(web, web))"
    good = "all_text = Merge(corpora=(Crawl(), Crawl(depth=2)))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, edges in graph.inputs.items():
            if len(edges) < 2 or said(stage, "deduplicates", bool):
                continue
            seen: dict[tuple[str, object], AnyStage] = {}
            told: set[str] = set()
            for edge in edges:
                name = edge.field.name
                key = name, facts.definitions.get(edge.producer, edge.producer)
                if key not in seen:
                    seen[key] = edge.producer
                elif name not in told:
                    told.add(name)
                    yield self.finding(
                        f"`{name}` lists `{graph.names[seen[key]]}` twice",
                        at=graph.argument(stage, name),
                        related=[("listed twice", graph.span(seen[key]))],
                        help="name each once; to give one more weight, say how often it enters (`repeats=` of `Tokenize`)",
                    )
