from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck, ShapeCheck, checks
from pipeline_dsl.compiler.graph import Graph


class AllowanceVoid(ShapeCheck):
    """A stage allows a code that is no warning's, so it allows nothing: errors cannot be allowed, and other codes are a slip."""

    code = "PDSL210"
    bad = "web = Crawl(allow=('PDSL201',))"
    good = "web = Crawl(allow=('PDSL605',))"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        allowing = [(stage, code) for stage in graph.order if isinstance(stage.allow, list | tuple) for code in stage.allow]
        if not allowing:
            return
        warnings = sorted(check.code for check in (*checks(ShapeCheck), *checks(FactCheck)) if check.severity is Severity.WARNING)
        for stage, code in allowing:
            if isinstance(code, str) and code not in warnings:
                yield self.finding(
                    f"{code!r} is not the code of a warning",
                    at=graph.argument(stage, "allow"),
                    help="these can be allowed: " + ", ".join(warnings),
                )
