from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import foreign, made_by
from pipeline_dsl.lang.artifacts import CausalModel, QuantizedModel, ServerSpec

DRAFTS = frozenset({"draft", "draft_model", "assistant", "assistant_model", "speculator", "speculative_model"})
"""What an input is called that proposes tokens for the served model to accept."""


class DraftVocabularyForeign(FactCheck):
    """The draft model of speculative decoding has another vocabulary than the model that it proposes tokens to.

    The served model checks token ids, so they must mean the same: with another tokenizer all proposals are rejected, and answers
    are slower than without a draft; with another number of rows vLLM ends in an assertion when it starts. Source: Leviathan et
    al. (2022), arXiv:2211.17192, algorithm 1.
    """

    code = "PDSL232"
    bad = (
        "def made(size):\n    words = Vocabulary(corpus=Crawl(), vocabulary=size)\n"
        "    return Pretrain(data=Tokenize(corpus=Crawl(), tokenizer=words), tokenizer=words)\n\n"
        "sft = Sft(base=made(32_000))\nreport = Evaluate(model=sft)\nserver = Serve(model=sft, draft=made(31_936))\n"
        "pipeline = Pipeline(name='p', targets=[server, report], gates=GATES[:3], baseline=Release(manifest='v1.yaml'))"
    )
    good = (
        "def made(size):\n    words = Vocabulary(corpus=Crawl(), vocabulary=size)\n"
        "    return Pretrain(data=Tokenize(corpus=Crawl(), tokenizer=words), tokenizer=words)\n\n"
        "sft = Sft(base=made(32_000))\nreport = Evaluate(model=sft)\nserver = Serve(model=sft, draft=made(32_000))\n"
        "pipeline = Pipeline(name='p', targets=[server, report], gates=GATES[:3], baseline=Release(manifest='v1.yaml'))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for edge in graph.edges:
            drafts = edge.field.name in DRAFTS and issubclass(graph.type(edge.consumer).produces, ServerSpec)
            if not drafts or not issubclass(made_by(graph, edge), CausalModel | QuantizedModel):
                continue
            target = facts.descent[edge.consumer].start
            ours, theirs = facts.descent.get(edge.producer), facts.descent.get(target) if target is not None else None
            if target is None or target is edge.producer:
                continue
            sizes = [facts.sizes[stage].model for stage in (edge.producer, target)]
            rows = [model.vocabulary for model in sizes if model is not None]
            if ours and theirs and foreign(facts, ours.tokenizer, theirs.tokenizer):
                why = "has another tokenizer than"
            elif len(rows) == 2 and rows[0] != rows[1]:
                why = f"has {rows[0]:,} rows in its vocabulary and not the {rows[1]:,} of"
            else:
                continue
            yield self.finding(
                f"the draft `{graph.names[edge.producer]}` {why} `{graph.names[target]}`",
                at=graph.argument(edge.consumer, edge.field.name),
                related=[("the draft", graph.span(edge.producer)), ("the model", graph.span(target))],
                help="draft with a smaller model of the same family, with the same tokenizer and the same `vocabulary`",
            )
