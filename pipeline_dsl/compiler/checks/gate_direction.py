from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


class GateDirection(FactCheck):
    """A gate bounds its metric from the good side, so the worse the model the more surely it passes."""

    code = "PDSL503"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') >= 50])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') <= 50])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            if bound.metric is None:
                continue
            right = ">=" if bound.metric.better == "higher" else "<="
            if bound.gate.operator != right:
                yield self.finding(
                    f"`{bound.metric.name}` is better when {bound.metric.better}, so `{bound.gate}` passes the worst",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    help=f"write `{right}`",
                )
