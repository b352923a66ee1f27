from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.units import dollars
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


class BudgetExceeded(FactCheck):
    """The estimate is more than the budget, so the run would stop half-way.

    The point estimate decides; the range is printed beside it.
    """

    code = "PDSL602"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()), tokens=2_000_000_000_000, on=Hardware(device=H100, count=8))\n"
        "pipeline = Pipeline(name='p', targets=[base], budget=Budget(usd=100))"
    )
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))\npipeline = Pipeline(name='p', targets=[base], budget=Budget(usd=100))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        limit = facts.graph.pipeline.budget.usd
        priced = {stage: estimate.usd for stage, estimate in facts.estimates.items() if estimate.usd is not None}
        total = sum(usd.point for usd in priced.values())
        if limit is None or total <= limit:
            return
        dearest = max(priced, key=lambda stage: priced[stage].point)
        low, high = (sum(getattr(usd, end) for usd in priced.values()) for end in ("low", "high"))
        yield self.finding(
            f"the run is estimated at {dollars(total)} ({dollars(low)} to {dollars(high)}), its budget is {dollars(limit)}",
            at=facts.graph.pipeline_argument("budget"),
            related=[(f"{dollars(priced[dearest].point)} of it: {facts.estimates[dearest].assumptions}", facts.graph.span(dearest))],
            help="make the dearest stage smaller, or raise the budget",
        )
