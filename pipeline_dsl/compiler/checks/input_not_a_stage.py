from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph


class InputNotAStage(ShapeCheck):
    """An input is given something that is no stage, such as a path.

    An artifact is named by the stage that makes it, so that its bytes can be traced; a path could hold anything.
    """

    code = "PDSL206"
    bad = "base = Pretrain(data='data/train')"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()))"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for item in graph.misplaced:
            what = "nothing" if item.value is None else f"a {type(item.value).__name__}"
            wanted = " or ".join(kind.__name__ for kind in item.field.wanted)
            yield self.finding(
                f"`{type(item.consumer).__name__}.{item.field.name}` is given {what}, not a stage",
                at=graph.argument(item.consumer, item.field.name),
                help=f"give a stage that makes {wanted}",
            )
