from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import embedded, vocabulary

PADDING = 1024
"""Rows that published models were filled up by, at most: Phi-2 has 51,200 for 50,295 tokens, gpt-oss 201,088 for 200,019."""


class VocabularyTooLarge(FactCheck):
    """A model has far more rows in its embedding than its tokenizer has tokens, or a few more that make nothing divisible.

    Filling up to a multiple of 64 or 128 is usual, and faster. Thousands of rows that no text ever reaches cost memory and a
    part of every step's FLOPs, and mostly mean that the number is another tokenizer's; a few odd ones mostly mean that the
    number was copied from a model with added tokens. Source: Karpathy's nanoGPT went from 50,257 to 50,304 rows.
    """

    code = "PDSL221"
    severity = Severity.WARNING
    bad = (
        "web = Crawl()\nwords = Vocabulary(corpus=web, vocabulary=16_000)\n"
        "base = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)"
    )
    good = (
        "web = Crawl()\nwords = Vocabulary(corpus=web, vocabulary=31_990)\n"
        "base = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            known = vocabulary(descent.tokenizer)
            if known is None or descent.tokenizer is None:
                continue
            for field, model in embedded(facts, stage):
                more = model.vocabulary - known
                if more > max(PADDING, known // 20) or (more > 0 and model.vocabulary % 8):
                    yield self.finding(
                        f"`{graph.names[stage]}` has {model.vocabulary:,} rows in its embedding, its tokenizer only {known:,} tokens",
                        at=graph.argument(stage, field),
                        label=f"{more:,} rows belong to no token",
                        related=[("the tokenizer", graph.span(descent.tokenizer))],
                        help=f"declare vocabulary={-(-known // 128) * 128}: its tokens, filled up to a multiple of 128",
                    )
