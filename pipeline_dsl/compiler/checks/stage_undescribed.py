from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.stage import Stage


class StageUndescribed(ShapeCheck):
    """A stage type does not say what it makes, or an annotation of it names nothing.

    Without it no input could be checked, so the class is refused as a whole.
    """

    code = "PDSL208"
    bad = "class Mystery(Stage):\n    pass\nbase = Mystery()"
    good = "class Known(Stage[Corpus]):\n    def run(self, work: Workspace) -> Corpus: ...\nbase = Known()"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        for stage, reason in graph.undescribed:
            yield self.finding(reason, at=graph.span(stage))
        missing: Any = Stage.run  # pyright: ignore[reportUnknownMemberType]
        for stage in graph.order:
            kind: Any = type(stage)
            if kind.run is missing:
                name = kind.__name__
                yield self.finding(
                    f"`{name}` has no `run`", at=graph.span(stage), help=f"define `def run(self, work: Workspace)` in {name}"
                )
