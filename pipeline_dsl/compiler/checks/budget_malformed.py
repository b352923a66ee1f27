from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.values import finite
from pipeline_dsl.lang.budget import Budget


class BudgetMalformed(ShapeCheck):
    """A budget is no amount: negative, infinite, or not a number."""

    code = "PDSL603"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], budget=Budget(usd=-5))"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], budget=Budget(usd=5))"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        budget = graph.pipeline.budget
        if not isinstance(budget, Budget):
            yield self.finding(
                f"`budget` is Budget, not {type(budget).__name__}",
                at=graph.pipeline_argument("budget"),
                help="write `budget=Budget(usd=..., kl=...)`",
            )
            return
        for name, value in (("usd", budget.usd), ("kl", budget.kl)):
            if value is not None and not (finite(value) and value >= 0):
                yield self.finding(
                    f"`{name}` is {value!r}",
                    at=graph.pipeline_argument("budget"),
                    help="give a finite number of at least 0, or leave it out for no limit",
                )
