from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


class EvaluationLeak(FactCheck):
    """Evaluation data reaches something that learns, so its scores would mean nothing.

    Data is evaluation data if the stage that makes it says so, and stays so through every stage that passes it on. An input
    declared with `held_out()` measures only, and may have it.
    """

    code = "PDSL901"
    bad = "test = Heldout()\nbase = Pretrain(data=Tokenize(corpus=test))"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nreport = Perplexity(model=base, text=Heldout())"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for edge, origin in facts.leaks:
            path = [*graph.path(origin, edge.producer), edge.consumer]
            yield self.finding(
                f"`{graph.names[edge.consumer]}` learns from evaluation data: " + " -> ".join(graph.names[stage] for stage in path),
                at=graph.argument(edge.consumer, edge.field.name),
                label="evaluation data comes in here",
                related=[("made here", graph.span(origin))],
                help="train on the training part; give evaluation data only to inputs that measure",
            )
