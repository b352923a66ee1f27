from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph


class Contradiction(ShapeCheck):
    """A stage's own fields contradict each other, as its type says: shares that do not add up, a batch that cannot be divided."""

    code = "PDSL205"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()), batch=10, micro_batch=4)"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()), batch=8, micro_batch=4)"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage in graph.order:
            try:
                problems = list(stage.problems())
            except (TypeError, ArithmeticError, ValueError, AttributeError):
                continue  # its fields are not even of the right types or range, which other checks report
            for problem in problems:
                yield self.finding(
                    f"`{type(stage).__name__}.{problem.field}`: {problem.message}",
                    at=graph.argument(stage, problem.field),
                    help=problem.help,
                )
