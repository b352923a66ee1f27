import re
from collections.abc import Iterator
from typing import cast

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import said


class TemplateTokenUnknown(FactCheck):
    """A chat template marks turns with special tokens that its tokenizer does not have.

    Each mark then falls into five to eight ordinary pieces. The model learns it, slower, and a server that stops at the token
    `<|im_end|>` never sees that token. Tokens that are written as `<|...|>` are looked for; a tokenizer says what it has as
    `special_tokens`.
    """

    code = "PDSL225"
    bad = (
        "web = Crawl()\nwords = Vocabulary(corpus=web)\nbase = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)\n"
        "sft = Sft(base=base, chat_template='<|im_start|>{{ messages }}<|im_end|>')"
    )
    good = (
        "web = Crawl()\nwords = Vocabulary(corpus=web)\nbase = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)\n"
        "sft = Sft(base=base, chat_template='<|user|>{{ messages }}{{ eos_token }}')"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            template = said(stage, "chat_template", str)
            if not template or descent.tokenizer is None:
                continue
            tokens = cast("tuple[object, ...] | None", said(descent.tokenizer, "special_tokens", tuple))
            if tokens is None:
                continue
            missing = [token for token in dict.fromkeys(_MARK.findall(template)) if token not in tokens]
            if missing:
                listed = ", ".join(f"`{token}`" for token in missing)
                yield self.finding(
                    f"the chat template uses {listed}, which the tokenizer does not have as one token",
                    at=graph.argument(stage, "chat_template"),
                    related=[("the tokenizer", graph.span(descent.tokenizer))],
                    help=f"give the tokenizer special=({', '.join(map(repr, missing))},), or write turns with the tokens that it has",
                )


_MARK = re.compile(r"<\|[A-Za-z0-9_\-]+\|>")
