from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.statistics import CONFIDENCE, examples_to_rule_out
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.evidence import is_share


class GateBeyondEvidence(FactCheck):
    """A gate on a rare event asks too few examples: even without a single hit they do not show what the gate claims.

    A model that does it in a share t of cases shows nothing in n of them with probability (1 - t)^n. Above 5%, a perfect score is
    no evidence for the threshold; 3 / t examples are. Thresholds of exactly nothing (0, or all) ask for a perfect score and say
    what they mean. Judged where a suite declares its number of examples.

    Found on day five, a model that harms in one answer of a hundred is released on fifty questions. Source: Hanley and
    Lippman-Hand (1983), "If nothing goes wrong, is everything all right?", JAMA 249.
    """

    code = "PDSL531"
    severity = Severity.WARNING
    bad = (
        "report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())), suite=Suite(examples=50), metrics=('safety_violation_rate',))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('safety_violation_rate') <= 0.01])"
    )
    good = (
        "report = Evaluate(model=Pretrain(data=Tokenize(corpus=Crawl())), suite=Suite(examples=500), metrics=('safety_violation_rate',))\n"
        "pipeline = Pipeline(name='p', targets=[report], gates=[metric('safety_violation_rate') <= 0.01])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for bound in facts.gates:
            threshold, count = bound.gate.threshold, facts.examples.get(bound.gate)
            if bound.metric is None or count is None or not isinstance(threshold, int | float) or not is_share(bound):
                continue
            scale = 100.0 if bound.metric.unit == "percent" else 1.0
            rate = threshold / scale if bound.gate.operator == "<=" else 1 - threshold / scale
            if not 0 < rate < 1 or (unseen := (1 - rate) ** count) <= 1 - CONFIDENCE:
                continue
            needed = examples_to_rule_out(rate)
            reached = 1 - (1 - CONFIDENCE) ** (1 / count)
            level = scale * (reached if bound.gate.operator == "<=" else 1 - reached)
            yield self.finding(
                f"`{bound.gate}` on at most {count:,} examples: a model that is just not good enough has a perfect score "
                f"{unseen:.0%} of the time",
                at=bound.gate.mark.span() if bound.gate.mark else None,
                related=[("measured here", facts.graph.span(bound.stages[0]))],
                help=f"ask at least {needed:,} examples, or write {bound.gate.operator} {level:.3g}, which {count:,} can show",
            )
