from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.gate import Baseline, Gate


class GateDuplicate(FactCheck):
    """Two gates bound the same metric of the same stage from the same side; only the stricter one would count."""

    code = "PDSL513"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') <= 50, metric('cost_total_usd') <= 90])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') <= 50])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        first: dict[object, Gate] = {}
        for bound in facts.gates:
            relative = isinstance(bound.gate.threshold, Baseline)  # a floor and a regression bound may stand together
            other = first.setdefault((bound.gate.metric, bound.gate.operator, bound.stages, relative), bound.gate)
            if other is not bound.gate:
                yield self.finding(
                    f"`{bound.gate}` stands beside `{other}`",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    help="keep one",
                )
