from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.divergence import aligns
from pipeline_dsl.lang.gate import Baseline


class GateMissing(FactCheck):
    """A pipeline that ships lacks a gate that every shipped model must pass.

    These are: a capability against `baseline` (a regression gate catches training bugs), a safety metric, the cost of the run,
    and the divergence from the reference if the pipeline aligns (it catches overcooking): by a stage that `aligns`, or one that learns
    a policy from preferences or rewards and does not say `aligns = False`. A pipeline that ships nothing needs none.
    """

    code = "PDSL501"
    bad = "pipeline = Pipeline(name='p', targets=[Serve(model=Pretrain(data=Tokenize(corpus=Crawl())))])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.ships is None:
            return
        present = {(bound.metric.family, isinstance(bound.gate.threshold, Baseline)) for bound in facts.gates if bound.metric}
        absolute = {family for family, _ in present}
        missing: list[tuple[str, str]] = []
        if ("capability", True) not in present:
            missing.append(("regression", 'metric("mmlu") >= baseline'))
        if "safety" not in absolute:
            missing.append(("safety", 'metric("safety_violation_rate") <= 0.05'))
        if "cost" not in absolute:
            missing.append(("cost", 'metric("cost_total_usd") <= 50_000'))
        if any(aligns(facts.graph, stage) for stage in facts.graph.order) and "divergence" not in absolute:
            missing.append(("KL", 'metric("kl_from_reference") <= 25.0'))
        for name, example in missing:
            yield self.finding(
                f"this pipeline ships `{facts.graph.names[facts.ships]}` without a {name} gate",
                at=facts.graph.pipeline_argument("gates"),
                related=[("shipped", facts.graph.span(facts.ships))],
                help=f"add one, such as `{example}`",
            )
