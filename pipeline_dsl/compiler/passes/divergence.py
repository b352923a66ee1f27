"""Pass: add up the KL budgets that alignment stages declare along each path."""

import math

from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.lang.artifacts import Policy, PolicyAdapter, Preferences, RewardModel
from pipeline_dsl.lang.stage import Stage


def aligns(graph: Graph, stage: AnyStage) -> bool:
    """Whether a stage moves a policy away from a reference: its type says so, or says nothing and learns one from preferences."""
    if stage.aligns or any("aligns" in vars(cls) for cls in type(stage).__mro__[: type(stage).__mro__.index(Stage)]):
        return stage.aligns
    return issubclass(graph.type(stage).produces, Policy | PolicyAdapter) and any(
        issubclass(graph.type(edge.producer).produces, Preferences | RewardModel)
        for edge in graph.inputs.get(stage, ())
        if not edge.field.held_out
    )


def kl_budget(stage: AnyStage) -> float | None:
    """What an alignment stage may move, nats a sequence; None if it says nothing that bounds it."""
    value = getattr(stage, "kl_budget", None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return None
    return float(value)


def accumulated(graph: Graph) -> dict[AnyStage, float]:
    """The largest sum of budgets along a path that ends in each stage; unbounded ones count as nothing here."""
    found: dict[AnyStage, float] = {}
    if not any(aligns(graph, stage) for stage in graph.order):
        return found
    parents: dict[AnyStage, list[AnyStage]] = {}
    for edge in graph.edges:
        if not edge.field.held_out:
            parents.setdefault(edge.consumer, []).append(edge.producer)
    for stage in graph.order:
        own = (kl_budget(stage) or 0.0) if aligns(graph, stage) else 0.0
        found[stage] = own + max((found[parent] for parent in parents.get(stage, ())), default=0.0)
    return found
