from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.values import finite
from pipeline_dsl.lang.gate import Baseline, Gate, MetricRef


class GateNotNumeric(ShapeCheck):
    """A gate is something else than one comparison of a metric with a number or with `baseline`.

    "Looks good" is no gate: only numbers can be held against evidence.
    """

    code = "PDSL509"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=['mmlu >= 50'])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], gates=[metric('cost_total_usd') <= 50])"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for gate in graph.pipeline.gates:
            if not isinstance(gate, Gate):
                several = isinstance(gate, list | tuple)
                advice = "put all gates into one list: `[*gates, ...]`" if several else 'write `metric("name") >= number`'
                yield self.finding(f"a {type(gate).__name__} is no gate", at=graph.pipeline_argument("gates"), help=advice)
                continue
            if not isinstance(gate.metric, str):
                at = gate.mark.span() if gate.mark else graph.pipeline_argument("gates")
                yield self.finding(f"the name of a metric is a string, not {type(gate.metric).__name__}", at=at)
                continue
            level = gate.threshold.delta if isinstance(gate.threshold, Baseline) else gate.threshold
            if not finite(level):
                where = gate.mark.span() if gate.mark else graph.pipeline_argument("gates")
                other = isinstance(level, MetricRef)
                text = f"another metric, `{level.name}`" if other else f"{level!r}, no finite number"
                advice = "compare with a number, or with `baseline + number`" if other else ""
                yield self.finding(f"the threshold of `{gate.metric}` is {text}", at=where, help=advice)
