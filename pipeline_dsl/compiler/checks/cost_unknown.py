from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


class CostUnknown(FactCheck):
    """A budget is set, and part of the cost cannot be estimated: the total is a lower bound."""

    code = "PDSL605"
    severity = Severity.WARNING
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()), on=Hardware(device=Device(name='X1', bf16=1e15, memory=10**9, price=None, "
        "price_date='', price_source='')))\npipeline = Pipeline(name='p', targets=[base], budget=Budget(usd=100))"
    )
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))\npipeline = Pipeline(name='p', targets=[base], budget=Budget(usd=100))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.graph.pipeline.budget.usd is None:
            return
        unspelled = {item.stage for item in facts.unspelled}  # their faulty values are reported themselves
        for stage, estimate in facts.estimates.items():
            if stage in unspelled:
                continue
            if estimate.usd is None:
                reason = f"the price of {facts.hardware[stage].device.name} is unknown"
            elif estimate.unknown:
                reason = estimate.unknown
            else:
                continue
            yield self.finding(
                f"the cost of `{facts.graph.names[stage]}` is unknown: {reason}",
                at=facts.graph.span(stage),
                help="give `Hardware(price=...)`, or the sizes that the estimate needs",
            )
