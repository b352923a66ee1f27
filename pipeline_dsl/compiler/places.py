"""The places that a pipeline declares, each with where it was written."""

from collections.abc import Iterator

from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.hardware import Hardware


def declared_places(graph: Graph) -> Iterator[tuple[Hardware, AnyStage | None, Span]]:
    """(place, stage, span) of each place, once: the pipeline's own with no stage, those of stages with the first that names it."""
    yield graph.pipeline.on, None, graph.pipeline_argument("on")
    seen = {id(graph.pipeline.on)}
    for stage in graph.order:
        if stage.on is not None and id(stage.on) not in seen:
            seen.add(id(stage.on))
            yield stage.on, stage, graph.argument(stage, "on")
