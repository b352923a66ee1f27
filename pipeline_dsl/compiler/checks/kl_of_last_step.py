from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage


class KlOfLastStep(FactCheck):
    """A policy is aligned more than once, and the gate on its divergence only sees the last step.

    The stage that measures it reads no model from before the first alignment, so it measures from its own start. Divergences do
    not add up: KL(c || a) is not bounded by KL(c || b) + KL(b || a), so budgets that hold at every step bound nothing over all.
    They are budgets; the final policy has to be measured against the first reference itself.

    Found on day five, every step was within its budget and the model has left the language that it started in (Gao et al.,
    2022, arXiv:2210.10760: reward is lost again past a divergence from the first policy).
    """

    code = "PDSL532"
    severity = Severity.WARNING
    bad = (
        "class Again(Dpo):\n    policy: Ref[Policy]\n"
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nfirst = Dpo(policy=sft, kl_budget=9.0)\n"
        "second = Again(policy=first, kl_budget=9.0)\n"
        "pipeline = Pipeline(name='p', targets=[second], gates=[metric('kl_from_reference', of=second) <= 20])"
    )
    good = (
        "class Again(Dpo):\n    policy: Ref[Policy]\n"
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nfirst = Dpo(policy=sft, kl_budget=9.0)\n"
        "second = Again(policy=first, reference=sft, kl_budget=9.0)\n"
        "pipeline = Pipeline(name='p', targets=[second], gates=[metric('kl_from_reference', of=second) <= 20])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for bound in facts.gates:
            if bound.metric is None or bound.metric.family != "divergence":
                continue
            for stage in bound.stages:
                first, before = _first(facts, stage)
                if first is None or any(facts.same(edge.producer, model) for edge in graph.inputs.get(stage, ()) for model in before):
                    continue
                reference = f": {graph.names[before[0]]}" if before else ""
                yield self.finding(
                    f"`{bound.gate}` is measured by `{graph.names[stage]}` from its own start, "
                    f"which `{graph.names[first]}` had moved before",
                    at=bound.gate.mark.span() if bound.gate.mark else None,
                    related=[("measured here", graph.span(stage)), ("aligned before, here", graph.span(first))],
                    help=f"measure the final policy against the first reference too{reference}; divergences do not add up",
                )


def _first(facts: Facts, stage: AnyStage) -> tuple[AnyStage | None, list[AnyStage]]:
    """The first stage that aligned what `stage` aligns again, and the models from before it, the nearest first."""
    known = facts.descent.get(stage)
    if not stage.aligns or known is None or known.start is None:
        return None, []
    line = facts.ancestry(known.start)
    aligned = [place for place, model in enumerate(line) if model.aligns]
    return (line[aligned[-1]], line[aligned[-1] + 1 :]) if aligned else (None, [])
