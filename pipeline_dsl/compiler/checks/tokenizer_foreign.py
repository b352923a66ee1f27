from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage, Edge
from pipeline_dsl.compiler.passes.contracts import apart, foreign, made_by, said
from pipeline_dsl.lang.artifacts import CausalModel, Dataset


class TokenizerForeign(FactCheck):
    """Token ids of one tokenizer meet a model, or rows, of another.

    Ids are only numbers: nothing fails, and the loss even falls. The model learns a text that nobody can read, a validation loss
    is compared over other units, averaged weights mix rows of other words. It shows at the first sample, after the run is paid
    for. A tokenizer that was made from another one, with tokens added, counts as the same; a stage that decodes and encodes again
    says `retokenizes = True`.
    """

    code = "PDSL222"
    bad = (
        "web = Crawl()\nwords = Vocabulary(corpus=web)\nother = Vocabulary(corpus=web, vocabulary=31_936)\n"
        "base = Pretrain(data=Tokenize(corpus=web, tokenizer=other), tokenizer=words)"
    )
    good = "web = Crawl()\nwords = Vocabulary(corpus=web)\nbase = Pretrain(data=Tokenize(corpus=web, tokenizer=words), tokenizer=words)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            ours = descent.tokenizer or self._first(facts, stage)
            others: dict[AnyStage, list[Edge]] = {}
            for edge, theirs in _tokenized(facts, stage):
                if ours is not None and foreign(facts, ours, theirs):
                    others.setdefault(theirs, []).append(edge)
            for theirs, edges in others.items():
                first, *more = {edge.field.name: edge for edge in edges}.values()
                yield self.finding(
                    f"{' and '.join(f'`{graph.names[edge.producer]}`' for edge in (first, *more))} "
                    f"{'are' if more else 'is'} written in the tokens of `{graph.names[theirs]}`, "
                    f"`{graph.names[stage]}` reads those of `{graph.names[ours or theirs]}`",
                    at=graph.argument(stage, first.field.name),
                    label="tokens of another tokenizer",
                    related=[
                        *(("so is this", graph.argument(stage, edge.field.name)) for edge in more),
                        ("its tokenizer", graph.span(theirs)),
                        ("the tokenizer here", graph.span(ours or theirs)),
                    ],
                    help="encode it with the tokenizer of the model, or give the model that one",
                )

            yield from self._merged(facts, stage)

    def _merged(self, facts: Facts, stage: AnyStage) -> Iterator[Diagnostic]:
        """Models whose weights are averaged, or that read the same token ids, of which nobody says the tokenizers, but whose
        embeddings differ."""
        graph = facts.graph
        edges = [edge for edge in graph.inputs.get(stage, ()) if issubclass(made_by(graph, edge), CausalModel)]
        merges = _merges(facts, stage)
        if len(edges) < 2 or not (merges or _share_ids(facts, stage)) or said(stage, "retokenizes", bool):
            return
        sized = [(edge, model.vocabulary) for edge in edges if (model := facts.sizes[edge.producer].model) is not None]
        if any((known := facts.descent.get(edge.producer)) is not None and known.tokenizer is not None for edge in edges):
            return  # judged by them
        for edge, rows in sized[1:]:
            first, usual = sized[0]
            if rows != usual if merges else apart(facts, first.producer, edge.producer):
                one, other = graph.names[edge.producer], graph.names[first.producer]
                yield self.finding(
                    f"`{one}` has a vocabulary of {rows:,} tokens, `{other}` one of {usual:,}",
                    at=graph.argument(stage, edge.field.name),
                    label="tokens of another tokenizer",
                    help="average models of one family, with one tokenizer"
                    if merges
                    else "let models of one family read these rows, or write `retokenizes = True` in a stage that decodes them",
                )
                return

    def _first(self, facts: Facts, stage: AnyStage) -> AnyStage | None:
        """The tokenizer of the first input that has one, where a stage has none of its own."""
        return next((theirs for _, theirs in _tokenized(facts, stage)), None)


def _tokenized(facts: Facts, stage: AnyStage) -> Iterator[tuple[Edge, AnyStage]]:
    """The inputs that are made of token ids, each with its tokenizer; models where nothing but their weights is read."""
    graph = facts.graph
    edges = graph.inputs.get(stage, ())
    merges = _merges(facts, stage)
    if said(stage, "retokenizes", bool):
        return
    for edge in edges:
        known = facts.descent.get(edge.producer)
        if (merges or issubclass(made_by(graph, edge), Dataset)) and known is not None and known.tokenizer is not None:
            yield edge, known.tokenizer


def _share_ids(facts: Facts, stage: AnyStage) -> bool:
    """Whether a model is made by giving the same rows of token ids to several, as a teacher and its student."""
    graph = facts.graph
    edges = graph.inputs.get(stage, ())
    return issubclass(graph.type(stage).produces, CausalModel) and any(issubclass(made_by(graph, edge), Dataset) for edge in edges)


def _merges(facts: Facts, stage: AnyStage) -> bool:
    """Whether a model is made of nothing but the weights of others."""
    graph = facts.graph
    edges = graph.inputs.get(stage, ())
    return issubclass(graph.type(stage).produces, CausalModel) and all(issubclass(made_by(graph, edge), CausalModel) for edge in edges)
