from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


class MetricAmbiguous(FactCheck):
    """Several stages measure the metric of a gate, and none of them is clearly the last."""

    code = "PDSL508"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\na = Evaluate(model=base)\nb = Evaluate(model=base, shots=5)\n"
        "pipeline = Pipeline(name='p', targets=[a, b], gates=[metric('mmlu') >= 50])"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\na = Evaluate(model=base)\nb = Evaluate(model=base, shots=5)\n"
        "pipeline = Pipeline(name='p', targets=[a, b], gates=[metric('mmlu', of=b) >= 50])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            if len(bound.stages) > 1:
                names = [facts.graph.names[stage] for stage in bound.stages]
                yield self.finding(
                    f"`{bound.gate.metric}` is measured by " + " and ".join(f"`{name}`" for name in names),
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    related=[("here", facts.graph.span(stage)) for stage in bound.stages],
                    help=f'say which: `metric("{bound.gate.metric}", of=...)`',
                )
