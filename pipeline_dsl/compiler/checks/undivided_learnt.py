from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.artifacts import Adapter, CausalModel, RewardModel, ScalingLaw

_MODELS = CausalModel | RewardModel | Adapter | ScalingLaw


class UndividedLearnt(FactCheck):
    """A model learns from a whole corpus that another stage takes a part of to measure on.

    The part is in the whole, so the model has learnt what it is asked. It takes one word too little: the corpus where its
    training part was meant. A tokenizer or a filter may see the whole. A stage of your own that takes a part says so by `division`.

    Found on day five, the held-out loss has been too good all along, and there is no clean part left to measure with.
    """

    code = "PDSL902"
    bad = (
        "web = Crawl()\ntest = Part(corpus=web, part='test')\nbase = Pretrain(data=Tokenize(corpus=web))\n"
        "report = Perplexity(model=base, text=test)"
    )
    good = (
        "web = Crawl()\ntest = Part(corpus=web, part='test')\nbase = Pretrain(data=Tokenize(corpus=Part(corpus=web, part='train')))\n"
        "report = Perplexity(model=base, text=test)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph, undivided = facts.graph, facts.lineage.undivided
        for edge in facts.lineage.learning if undivided else ():
            taken = undivided.get(edge.producer)
            division = taken.division() if taken else None
            if taken is None or division is None or not issubclass(graph.type(edge.consumer).produces, _MODELS):
                continue
            whole = graph.names[division.whole]
            yield self.finding(
                f"`{graph.names[edge.consumer]}` learns from all of `{whole}`, of which `{graph.names[taken]}` is kept to measure on",
                at=graph.argument(edge.consumer, edge.field.name),
                label=f"`{graph.names[edge.producer]}` still holds the part `{division.part}`",
                related=[("the part to measure on is taken here", graph.span(taken)), ("of this", graph.span(division.whole))],
                help=f'learn from the part `{type(taken).__name__}(..., part="train")` with the same shares',
            )
