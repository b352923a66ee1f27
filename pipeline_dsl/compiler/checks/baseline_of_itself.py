from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.gate import Baseline


class BaselineOfItself(FactCheck):
    """A gate compares what a stage measured with what the same stage measured: it says nothing, whatever the model is."""

    code = "PDSL515"
    bad = (
        "report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('mmlu', of=report) >= baseline], baseline=report)"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nbefore = Evaluate(model=base)\nafter = Evaluate(model=Sft(base=base))\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('mmlu', of=after) >= baseline], baseline=before)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            if isinstance(bound.gate.threshold, Baseline) and bound.gate.of is not None and bound.gate.of is facts.graph.pipeline.baseline:
                yield self.finding(
                    f"`{bound.gate}` compares the baseline with itself",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    help="name the stage that measures the model that ships",
                )
