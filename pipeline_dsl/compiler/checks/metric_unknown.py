import difflib
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


class MetricUnknown(FactCheck):
    """A gate names a metric that neither `pdsl` nor a stage of this pipeline knows."""

    code = "PDSL502"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('mmul') >= 50])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') <= 50])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            if bound.metric is None:
                name = bound.gate.metric
                close = difflib.get_close_matches(str(name), list(facts.metrics), n=1)
                yield self.finding(
                    f"there is no metric `{name}`",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    help=f"did you mean `{close[0]}`?" if close else "declare it in a stage's `measures`, or as a `Task` of `Evaluate`",
                )
