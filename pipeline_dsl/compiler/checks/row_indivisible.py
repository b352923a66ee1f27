from collections.abc import Iterator
from functools import partial

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class RowIndivisible(FactCheck):
    """Rows that context or sequence parallelism cannot divide into equal pieces.

    Context parallelism gives each device one piece from the front and one from the end of a row, so that causal attention is
    evenly shared: a row is a multiple of 2 x context tokens. Sequence parallelism divides it by the tensor-parallel devices, and
    is nothing without them. Sources: Liu et al. (2023), arXiv:2310.01889; Korthikanti et al. (2022), arXiv:2205.05198.
    """

    code = "PDSL345"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), length=4090, processes=8, parallel=Parallel(context=8))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), length=4096, processes=8, parallel=Parallel(context=8))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            if not isinstance(placed, TrainingPlacement):
                continue
            parallel, at = placed.parallel, partial(facts.graph.argument, stage, "parallel")
            pieces = 2 * parallel.context if parallel.context > 1 else 1
            if placed.length % pieces:
                near = -(-placed.length // pieces) * pieces
                yield self.finding(
                    f"rows of {placed.length} tokens do not divide into {pieces} pieces, two for each of "
                    f"context={parallel.context} devices",
                    at=at(),
                    help=f"pack rows of {near} tokens, or write `context={_near(placed.length, parallel.context)}`",
                )
            elif parallel.sequence and parallel.tensor == 1:
                yield self.finding(
                    "`sequence=True` divides what lies between matrices over the tensor-parallel devices, and there is one",
                    at=at(),
                    help="leave `sequence` out, or write `tensor=2` or more; `context` divides the whole row",
                )
            elif parallel.sequence and placed.length // parallel.context % parallel.tensor:
                yield self.finding(
                    f"pieces of {placed.length // parallel.context} tokens do not divide over tensor={parallel.tensor} devices",
                    at=at(),
                    help=f"pack rows of a multiple of {parallel.context * parallel.tensor} tokens",
                )


def _near(length: int, context: int) -> int:
    return max(size for size in range(1, context + 1) if context % size == 0 and (size == 1 or length % (2 * size) == 0))
