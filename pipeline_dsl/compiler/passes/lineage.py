"""Pass: follow evaluation data along the graph.

A label flows through every input that is learnt from; an input marked `held_out()` only measures, so nothing flows there.
"""

from pipeline_dsl.compiler.graph import AnyStage, Edge, Graph
from pipeline_dsl.lang.artifacts import EvalSuite, Tokenizer, Weights


def evaluation(graph: Graph) -> dict[AnyStage, AnyStage]:
    """For each stage that holds evaluation data, or descends from it by learning, one stage that made such data."""
    found: dict[AnyStage, AnyStage] = {}
    for stage in graph.order:
        if stage.holds_evaluation_data():
            found[stage] = stage
    inputs: dict[AnyStage, list[Edge]] = {}
    for edge in graph.edges:
        if not edge.field.held_out:
            inputs.setdefault(edge.consumer, []).append(edge)
    if found:
        for stage in graph.order:
            if stage not in found:
                origin = next((found[edge.producer] for edge in inputs.get(stage, ()) if edge.producer in found), None)
                if origin is not None:
                    found[stage] = origin
    return found


def leaks(graph: Graph, labelled: dict[AnyStage, AnyStage]) -> tuple[tuple[Edge, AnyStage], ...]:
    """The edges by which a stage that learns reads evaluation data, where the data first meets learning."""
    found: list[tuple[Edge, AnyStage]] = []
    if labelled:
        for edge in graph.edges:
            produced, given = graph.type(edge.consumer).produces, graph.type(edge.producer).produces
            if edge.producer in labelled and not edge.field.held_out and _learns(produced) and not _learns(given):
                found.append((edge, labelled[edge.producer]))
    return tuple(found)


def _learns(artifact: type) -> bool:
    return issubclass(artifact, Weights | Tokenizer) and not issubclass(artifact, EvalSuite)
