from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.gates.metrics import RUN_METRICS


class MetricUnmeasured(FactCheck):
    """A gate is on a metric that no stage of this pipeline measures, so it could only ever hold."""

    code = "PDSL511"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('mmlu') >= 50])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') <= 50])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            if bound.metric and not bound.stages and bound.metric.name not in RUN_METRICS:
                what = "the stage that it names does not measure" if bound.gate.of else "no stage of this pipeline measures"
                yield self.finding(
                    f"{what} `{bound.metric.name}`",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    help="add it to the tasks of an `Evaluate` stage, and that stage to the targets",
                )
