import difflib
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.stage import Stage

_NONE = vars(Stage)["measures"]


class MetricUnknown(FactCheck):
    """A gate, or a stage type in what it `measures`, names a metric that neither `pdsl` nor a stage of this pipeline knows."""

    code = "PDSL502"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('mmul') >= 50])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') <= 50])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        told: set[str] = set()
        for stage in facts.graph.order:
            if type(stage).measures is not _NONE:
                for name in stage.measures():
                    if isinstance(name, str) and name not in facts.metrics:
                        told.add(name)
                        close = difflib.get_close_matches(name, list(facts.metrics), n=1)
                        yield self.finding(
                            f"`{type(stage).__name__}` measures `{name}`, and there is no such metric",
                            at=facts.graph.span(stage),
                            help=f"did you mean `{close[0]}`?" if close else "give a `Metric(...)` with its unit and direction",
                        )
        for bound in facts.gates:
            if bound.metric is None and bound.gate.metric not in told:
                name = bound.gate.metric
                close = difflib.get_close_matches(str(name), list(facts.metrics), n=1)
                yield self.finding(
                    f"there is no metric `{name}`",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    help=f"did you mean `{close[0]}`?" if close else "declare it in a stage's `measures`, or as a `Task` of `Evaluate`",
                )
