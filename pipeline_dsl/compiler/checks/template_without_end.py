import re
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import said
from pipeline_dsl.lang.artifacts import CausalModel


class TemplateWithoutEnd(FactCheck):
    """A model is taught in a chat template that never ends a turn.

    Nothing in training then tells it when an answer is over: it goes on with the next question by itself, up to the server's
    limit, and every answer costs the most that it can. An end is `eos_token`, or a mark such as `<|im_end|>`.
    """

    code = "PDSL243"
    severity = Severity.WARNING
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\n"
        "sft = Sft(base=base, chat_template='{% for message in messages %}{{ message.role }}: {{ message.content }}{% endfor %}')"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl()))\n"
        "sft = Sft(base=base, chat_template='{% for message in messages %}{{ message.content + eos_token }}{% endfor %}')"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            template = said(stage, "chat_template", str)
            learns = descent.taught and issubclass(graph.type(stage).produces, CausalModel)
            if template and learns and "messages" in template and not _END(template):
                yield self.finding(
                    "the chat template ends no turn, so the model never learns to stop",
                    at=graph.argument(stage, "chat_template"),
                    help="write `eos_token` behind what the assistant says: `{{ message['content'] + eos_token }}`",
                )


_END = re.compile(r"eos_token|</s>|<[^<>\s]*(end|eot|eos|eom|return|stop)[^<>\s]*>|<turn\|>", re.IGNORECASE).search
