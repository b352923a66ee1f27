"""Pass: how many examples each gate's metric is a mean over, where that is declared."""

from collections.abc import Mapping
from typing import Any, cast

from pipeline_dsl.compiler.facts import Bound
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.gate import Gate
from pipeline_dsl.lang.size import Size, Sizes
from pipeline_dsl.lang.stage import Ref


def counted(graph: Graph, sizes: Mapping[AnyStage, Size], gates: tuple[Bound, ...]) -> dict[Gate, int]:
    """For each gate, at most how many examples it is decided on; nothing for gates of which that is not known.

    Where a suite tells only how many documents all of its tasks have together, that bounds each of them.
    """
    found: dict[Gate, int] = {}
    known = Sizes(cast("Mapping[Ref[Any], Size]", sizes))
    for bound in gates:
        if bound.metric is None or len(bound.stages) != 1:
            continue
        stage = bound.stages[0]
        try:
            count = stage.asked(bound.metric.name, known)
        except Exception:  # the author's code, on values that may be faulty, which have their own diagnostics
            continue
        if count is None:
            held = held_out(graph, stage)
            count = sizes[held[0]].examples if len(held) == 1 and held[0] in sizes else None
        if isinstance(count, int) and count > 0:
            found[bound.gate] = count
    return found


def is_share(bound: Bound) -> bool:
    """Whether a gate's metric counts hits among examples that are a sample; contamination counts all that there are."""
    metric = bound.metric
    if metric is None or metric.family == "contamination":
        return False
    return metric.unit in ("percent", "fraction") and not metric.name.endswith("_delta")


def held_out(graph: Graph, stage: AnyStage) -> list[AnyStage]:
    """The stages whose data a stage measures on."""
    return [edge.producer for edge in graph.inputs.get(stage, ()) if edge.field.held_out]
