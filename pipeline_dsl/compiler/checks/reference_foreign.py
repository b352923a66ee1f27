from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import REFERENCES, made_by
from pipeline_dsl.lang.artifacts import Aligned, CausalModel


class ReferenceForeign(FactCheck):
    """The reference model of preference training is not a model that the policy comes from.

    The implicit reward of DPO is a ratio to the reference, and its KL is measured from it: both assume that training starts at
    the reference (Rafailov et al., 2023, arXiv:2305.18290, section 4). With another model there, or with the base model under an
    SFT model, the first loss is not log 2, the policy is pulled to where it never was, and a KL budget says nothing.
    """

    code = "PDSL227"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nsft = Sft(base=base)\npolicy = Dpo(policy=sft, reference=base, kl_budget=9.0)"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nsft = Sft(base=base)\npolicy = Dpo(policy=sft, reference=sft, kl_budget=9.0)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            if descent.start is None or not (stage.aligns or issubclass(graph.type(stage).produces, Aligned)):
                continue
            for edge in graph.inputs.get(stage, ()):
                given = edge.producer
                if edge.field.name not in REFERENCES or not issubclass(made_by(graph, edge), CausalModel):
                    continue
                behind = [model for model in facts.ancestry(descent.start) if facts.same(model, given)]
                below = behind and facts.taught(descent.start) and not facts.taught(given)
                if behind and not below:
                    continue
                why = "has not been taught to answer yet" if below else "is no model that it comes from"
                yield self.finding(
                    f"the policy starts as `{graph.names[descent.start]}`, its reference `{graph.names[given]}` {why}",
                    at=graph.argument(stage, edge.field.name),
                    related=[("the policy starts here", graph.span(descent.start)), ("the reference", graph.span(given))],
                    help="give the reference the SFT model that the policy starts from",
                )
