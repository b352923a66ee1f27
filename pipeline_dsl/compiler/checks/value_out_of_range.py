from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.values import misfits, walk


class ValueOutOfRange(ShapeCheck):
    """A field is outside of what it may be: a negative count, a share above one, a word that is not among the choices."""

    code = "PDSL203"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()), learning_rate=-1e-3)"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()), learning_rate=1e-3)"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage in graph.order:
            for field, misfit in misfits(stage, "range"):
                yield self.finding(
                    f"`{type(stage).__name__}.{field.name}{misfit.path}` {misfit.text}",
                    at=graph.argument(stage, field.name),
                    help=misfit.help,
                )
            seed = getattr(stage, "seed", None)
            if type(seed) is int and not 0 <= seed <= _SEEDS:
                yield self.finding(f"`{type(stage).__name__}.seed` is {seed}; it must be {_RANGE}", at=graph.argument(stage, "seed"))
        for launcher in graph.pipeline.launchers:
            for misfit in (misfit for misfit in walk(launcher, type(launcher)) if misfit.kind == "range"):
                where = graph.pipeline_argument("launchers")
                yield self.finding(f"`{type(launcher).__name__}{misfit.path}` {misfit.text}", at=where, help=misfit.help)
        if type(graph.pipeline.seed) is int and not 0 <= graph.pipeline.seed <= _SEEDS:
            yield self.finding(f"`Pipeline.seed` is {graph.pipeline.seed}; it must be {_RANGE}", at=graph.pipeline_argument("seed"))


_SEEDS = 2**32 - 1
_RANGE = f"from 0 to {_SEEDS:_}, which every library takes"
