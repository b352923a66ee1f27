from collections.abc import Iterator
from typing import Any, cast

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import said
from pipeline_dsl.lang.artifacts import EvalReport, ServerSpec


class TemplateUntaught(FactCheck):
    """A base model that no stage taught a chat template is asked, or served, in one.

    The tokens of the template have their random first values: the scores say what noise in the prompt does, and the server
    answers with more questions. It may be meant so, to show what fine-tuning changed: then allow it there.
    """

    code = "PDSL226"
    severity = Severity.WARNING
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nreport = Evaluate(model=base, chat=True)"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nreport = Evaluate(model=Sft(base=base), chat=True)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            if descent.taught is not False or descent.start is None or not issubclass(graph.type(stage).produces, EvalReport | ServerSpec):
                continue
            field, asked = _chatted(stage)
            if asked:
                yield self.finding(
                    f"`{graph.names[stage]}` {asked} in a chat template, which nothing taught `{graph.names[descent.start]}`",
                    at=graph.argument(stage, field),
                    related=[("the base model", graph.span(descent.start))],
                    help="take a model that `Sft` made, or ask for completions: `chat=False`",
                )


def _chatted(stage: AnyStage) -> tuple[str, str]:
    """(field, what it does in a chat template), both empty if nothing."""
    tasks = cast("tuple[Any, ...]", said(stage, "tasks", tuple) or ())
    names = [str(getattr(task, "name", task)) for task in tasks if getattr(task, "chat", False) is True]
    if names:
        return "tasks", f"asks `{names[0]}`" + (f" and {len(names) - 1} more" if names[1:] else "")
    if not tasks and (said(stage, "chat", bool) or said(stage, "apply_chat_template", bool)):
        own = "chat" if said(stage, "chat", bool) else "apply_chat_template"
        return (own if own in {*stage.__dict__} else "model"), "asks and answers"
    return "", ""
