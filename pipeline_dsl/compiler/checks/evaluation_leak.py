from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.trail import hops, spelled


class EvaluationLeak(FactCheck):
    """Evaluation data reaches something that learns, so its scores would mean nothing.

    Data is evaluation data if the stage that makes it says so (`evaluation = True`, or `holds_evaluation_data`), makes an
    `EvalSuite`, or takes the test part of something by a field (`split="test"`, `part="test"`), and stays so through every
    stage that passes it on: answers that a model gives to it, mixtures that it is in. Weights, adapters, tokenizers and scaling
    laws learn. An input declared with `held_out()` measures only, and may have it; a stage whose
    `clears` names `"evaluation"` takes it out.

    Found on day five, every score has to be measured again on questions that nobody has seen, and often there are none: see
    Brown et al. (2020), arXiv:2005.14165, section 4, where a bug in the removal was found after training.
    """

    code = "PDSL901"
    bad = "test = Heldout()\nbase = Pretrain(data=Tokenize(corpus=test))"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))\nreport = Perplexity(model=base, text=Heldout())"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for edge, _ in facts.lineage.reached("evaluation"):
            path = [*facts.lineage.path(edge.producer, "evaluation"), edge.consumer]
            yield self.finding(
                f"`{graph.names[edge.consumer]}` learns from evaluation data: {spelled(graph, path)}",
                at=graph.argument(edge.consumer, edge.field.name),
                label="evaluation data comes in here",
                related=hops(graph, path),
                help="train on the training part; give evaluation data only to inputs that measure",
            )
