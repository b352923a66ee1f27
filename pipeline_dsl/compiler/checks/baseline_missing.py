from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.gate import Baseline


class BaselineMissing(FactCheck):
    """A gate compares with `baseline`, and the pipeline does not say what that is.

    Unless `pdsl gate --baseline MANIFEST` names a shipped run, the gate holds.
    """

    code = "PDSL507"
    severity = Severity.WARNING
    bad = (
        "report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('mmlu') >= baseline])"
    )
    good = (
        "report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('mmlu') >= baseline], baseline=Release(manifest='v1.yaml'))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.graph.pipeline.baseline is not None:
            return
        for bound in facts.gates:
            if isinstance(bound.gate.threshold, Baseline):
                yield self.finding(
                    f"`{bound.gate}` has no baseline to compare with",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    help="give the pipeline `baseline=` an evaluation stage or `Release(manifest=...)`",
                )
                return
