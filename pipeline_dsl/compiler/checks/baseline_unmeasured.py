from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.gate import Baseline
from pipeline_dsl.lang.stage import is_stage


class BaselineUnmeasured(FactCheck):
    """A gate compares with a baseline stage that does not measure the gate's metric, so it could only ever hold."""

    code = "PDSL514"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nbefore = Evaluate(model=base, metrics=('mmlu',))\n"
        "after = Evaluate(model=Sft(base=base), metrics=('gsm8k',))\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('gsm8k') >= baseline], baseline=before)"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nbefore = Evaluate(model=base, metrics=('gsm8k',))\n"
        "after = Evaluate(model=Sft(base=base), metrics=('gsm8k',))\n"
        "pipeline = Pipeline(name='p', targets=[after], gates=[metric('gsm8k') >= baseline], baseline=before)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        stage = facts.graph.pipeline.baseline
        if not is_stage(stage):
            return
        measured = {item if isinstance(item, str) else item.name for item in stage.measures()}
        for bound in facts.gates:
            if isinstance(bound.gate.threshold, Baseline) and bound.gate.metric not in measured:
                yield self.finding(
                    f"the baseline `{facts.graph.names[stage]}` does not measure `{bound.gate.metric}`",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    related=[("the baseline", facts.graph.span(stage))],
                    help="measure it there too, or compare with a number",
                )
