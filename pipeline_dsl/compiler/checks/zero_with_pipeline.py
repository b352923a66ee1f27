from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class ZeroWithPipeline(FactCheck):
    """ZeRO divides gradients or weights, and the layers are in a pipeline.

    Under a pipeline each micro-batch adds to gradients that must be whole until the last one: DeepSpeed asserts
    `ZeRO-2 and ZeRO-3 are incompatible with pipeline parallelism`. Stage 1 divides the optimizer's state, which most memory is.
    """

    code = "PDSL332"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, zero_stage=3, parallel=Parallel(pipeline=4))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=8, zero_stage=1, parallel=Parallel(pipeline=4))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            if isinstance(placed, TrainingPlacement) and placed.parallel.pipeline > 1 and placed.zero_stage > 1:
                yield self.finding(
                    f"ZeRO stage {placed.zero_stage} cannot be combined with a pipeline of {placed.parallel.pipeline}",
                    at=facts.graph.argument(stage, "zero_stage"),
                    help="write `zero_stage=1`",
                )
