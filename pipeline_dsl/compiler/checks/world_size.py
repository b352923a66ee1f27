from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import TrainingPlacement


class WorldSize(FactCheck):
    """The processes are not a whole number of copies of the model.

    One copy takes tensor x pipeline x context devices; what is left is data parallelism. Megatron and DeepSpeed stop at start
    with an assertion, once every node has been given to the job.
    """

    code = "PDSL322"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=12, parallel=Parallel(tensor=8))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=8, parallel=Parallel(tensor=8))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            if not isinstance(placed, TrainingPlacement) or placed.processes % placed.parallel.copy == 0:
                continue
            parallel, copy = placed.parallel, placed.parallel.copy
            near = -(-placed.processes // copy) * copy
            yield self.finding(
                f"one copy of the model takes tensor={parallel.tensor} x pipeline={parallel.pipeline} x context={parallel.context} = "
                f"{copy} devices, and {placed.processes} processes are no multiple of that",
                at=facts.graph.argument(stage, "processes" if placed.processes > copy else "parallel"),
                help=f"write `processes={near}`, which is {near // copy} copies",
            )
