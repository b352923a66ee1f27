from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.units import dollars
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.gate import Baseline


class CostGateUnreachable(FactCheck):
    """A gate holds the run for what it costs, and even the lowest estimate is more: all would be paid for, and nothing released.

    The low end of the 80% interval decides. A budget stops a run before the money is spent; a gate judges it afterwards.
    """

    code = "PDSL613"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()), tokens=2_000_000_000_000, on=Hardware(device=H100, count=8))\n"
        "pipeline = Pipeline(name='p', targets=[base], gates=[metric('cost_total_usd') <= 100])"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()), on=Hardware(device=H100, count=8))\n"
        "pipeline = Pipeline(name='p', targets=[base], gates=[metric('cost_total_usd') <= 50_000])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        lowest = sum(estimate.usd.low for estimate in facts.estimates.values() if estimate.usd is not None)
        point = sum(estimate.usd.point for estimate in facts.estimates.values() if estimate.usd is not None)
        budget = facts.graph.pipeline.budget.usd
        for bound in facts.gates:
            gate = bound.gate
            if gate.metric != "cost_total_usd" or gate.operator != "<=" or isinstance(gate.threshold, Baseline):
                continue
            if lowest <= gate.threshold or (budget is not None and point > budget):
                continue  # `budget_exceeded` says it where a budget is passed as well
            yield self.finding(
                f"the run is estimated at {dollars(point)}, at least {dollars(lowest)}, and this gate holds it above "
                f"{dollars(gate.threshold)}",
                at=gate.mark.span() if gate.mark else None,
                help="raise the gate, or make the dearest stage smaller: `pdsl cost` shows them",
            )
