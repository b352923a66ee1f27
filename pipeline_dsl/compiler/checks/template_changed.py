from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import made_by, said
from pipeline_dsl.lang.artifacts import CausalModel, Chats


class TemplateChanged(FactCheck):
    """A model that was taught in one chat template is trained on, measured or served in another.

    Nothing fails. Answers get worse, scores fall by points to tens of points, and a model that waits for `<|eot_id|>` where it
    was taught `<|im_end|>` never stops; it is mostly found by a person reading answers, after release. The template of a
    model is what its first stage of fine-tuning declares as `chat_template`, or its tokenizer's.
    """

    code = "PDSL224"
    bad = (
        "class Steer(Dpo):\n    chat_template: str = ''\n\n"
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nsft = Sft(base=base, chat_template='<|user|>{{ messages }}<|end|>')\n"
        "policy = Steer(policy=sft, chat_template='[INST] {{ messages }} [/INST]</s>', kl_budget=9.0)"
    )
    good = (
        "class Steer(Dpo):\n    chat_template: str = ''\n\n"
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\nsft = Sft(base=base, chat_template='<|user|>{{ messages }}<|end|>')\n"
        "policy = Steer(policy=sft, chat_template='<|user|>{{ messages }}<|end|>', kl_budget=9.0)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            own = said(stage, "chat_template", str)
            before = facts.descent.get(descent.start) if descent.start is not None else None
            if not own or self._teaches(facts, stage) or before is None or not before.template or own.strip() == before.template.strip():
                continue
            taught = [model for model in facts.ancestry(stage)[1:] if facts.taught(model)][-1]
            yield self.finding(
                f"`{graph.names[stage]}` writes chats in another template than `{graph.names[taught]}` was taught in",
                at=graph.argument(stage, "chat_template"),
                related=[("taught here", graph.argument(taught, "chat_template"))],
                help="leave `chat_template` out: the model carries the one that it was taught in",
            )

    def _teaches(self, facts: Facts, stage: AnyStage) -> bool:
        """Whether a stage fine-tunes on conversations, and so teaches the template that it declares."""
        graph = facts.graph
        chats = (edge for edge in graph.inputs.get(stage, ()) if issubclass(made_by(graph, edge), Chats) and not edge.field.held_out)
        return issubclass(graph.type(stage).produces, CausalModel) and any(chats)
