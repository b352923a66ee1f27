"""The places that a pipeline declares, and where each was written."""

from collections.abc import Iterator

from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.hardware import Hardware


def declared_places(graph: Graph) -> Iterator[tuple[Hardware, AnyStage | None]]:
    """(place, stage) of each place, once: the pipeline's own with no stage, those of stages with the first that names it."""
    yield graph.pipeline.on, None
    seen = {id(graph.pipeline.on)}
    for stage in graph.order:
        if stage.on is not None and id(stage.on) not in seen:
            seen.add(id(stage.on))
            yield stage.on, stage


def written(graph: Graph, stage: AnyStage | None) -> Span:
    """Where a place was written that `stage` is the first to name; None is the pipeline. It reads the file: ask only to report it."""
    return graph.pipeline_argument("on") if stage is None else graph.argument(stage, "on")
