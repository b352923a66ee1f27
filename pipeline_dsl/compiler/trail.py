"""How a diagnostic shows the way that a label took."""

from collections.abc import Sequence

from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.graph import AnyStage, Graph

LONGEST = 8
"""Stages of a way that are shown; the middle of a longer one is left out."""


def spelled(graph: Graph, path: Sequence[AnyStage]) -> str:
    """The names of the stages on a way, in its direction."""
    names = [graph.names[stage] for stage in path]
    if len(names) > LONGEST:
        half = LONGEST // 2
        names = [*names[:half], f"({len(names) - 2 * half} more)", *names[-half:]]
    return " -> ".join(names)


def hops(graph: Graph, path: Sequence[AnyStage], *, first: str = "made here", field: str = "") -> list[tuple[str, Span]]:
    """The places on a way before its end: where it begins (at `field` of that stage, if one is named), then each stage between."""
    begin = graph.argument(path[0], field) if field else graph.span(path[0])
    between = path[1:-1]
    if len(between) > LONGEST:
        between = [*between[: LONGEST // 2], *between[-LONGEST // 2 :]]
    return [(first, begin), *((f"comes through `{graph.names[stage]}`", graph.span(stage)) for stage in between)]
