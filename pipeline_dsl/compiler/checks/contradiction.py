from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.values import sound
from pipeline_dsl.lang.stage import Problem, Stage

_NONE = vars(Stage)["problems"]


class Contradiction(ShapeCheck):
    """A stage's own fields contradict each other, as its type says: shares that do not add up, a batch that cannot be divided.

    A stage is asked once its values are of the right types, in their ranges, and its inputs are stages.
    """

    code = "PDSL205"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()), batch=10, micro_batch=4)"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()), batch=8, micro_batch=4)"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        amiss = {item.consumer for item in graph.misplaced}
        for stage in graph.order:
            if stage in amiss or type(stage).problems is _NONE:
                continue
            try:
                problems = list(stage.problems())
            except Exception:  # `stage_raises` reports it
                continue
            if not problems or not all(isinstance(problem, Problem) for problem in problems) or not sound(stage):
                continue
            for problem in problems:
                yield self.finding(
                    f"`{type(stage).__name__}.{problem.field}`: {problem.message}",
                    at=graph.argument(stage, problem.field),
                    help=problem.help,
                )
