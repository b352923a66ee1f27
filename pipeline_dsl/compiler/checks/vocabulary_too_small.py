from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import embedded, vocabulary


class VocabularyTooSmall(FactCheck):
    """A model has fewer rows in its embedding than its tokenizer has tokens.

    The first document with one of the missing tokens ends the run with an index out of range; on a GPU with a device-side assert
    that names neither the token nor the table, hours in if the token is rare. A model may have more rows than the tokenizer has
    tokens, to make its matrices divisible. Source: GPT-NeoX pads the vocabulary to a multiple of 128 (Black et al., 2022,
    arXiv:2204.06745).
    """

    code = "PDSL220"
    bad = (
        "web = Crawl()\nwords = Vocabulary(corpus=web, vocabulary=50_257)\n"
        "base = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)"
    )
    good = (
        "web = Crawl()\nwords = Vocabulary(corpus=web, vocabulary=32_000)\n"
        "base = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            known = vocabulary(descent.tokenizer)
            if known is None or descent.tokenizer is None:
                continue
            for field, model in embedded(facts, stage):
                if 0 < model.vocabulary < known:
                    yield self.finding(
                        f"`{graph.names[stage]}` has {model.vocabulary:,} rows in its embedding, its tokenizer {known:,} tokens",
                        at=graph.argument(stage, field),
                        label=f"{known - model.vocabulary:,} tokens have no row",
                        related=[("the tokenizer", graph.span(descent.tokenizer))],
                        help=f"declare vocabulary={-(-known // 128) * 128}: its tokens, filled up to a multiple of 128",
                    )
