"""What the passes derive from the graph, and what the checks judge."""

from typing import Any

import attrs

from pipeline_dsl.compiler.graph import AnyStage, Edge, Graph
from pipeline_dsl.lang.gate import Gate, Metric
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.size import Work
from pipeline_dsl.plan.plan import Estimate


@attrs.frozen(eq=False)
class Unspelled:
    """A field whose value has no canonical spelling, and why."""

    stage: AnyStage
    field: str
    reason: str


@attrs.frozen(eq=False)
class Bound:
    """A gate with the metric that it is on and the stages that measure it, the baseline's left out.

    `metric` is None where nobody knows the name.
    """

    gate: Gate
    metric: Metric | None
    stages: tuple[AnyStage, ...]


@attrs.frozen(kw_only=True, eq=False)
class Facts:
    """The graph and everything that follows from it, one field a pass."""

    graph: Graph
    fields: dict[AnyStage, dict[str, Any]]
    unspelled: tuple[Unspelled, ...]
    definitions: dict[AnyStage, str]
    hardware: dict[AnyStage, Hardware]
    works: dict[AnyStage, Work]
    estimates: dict[AnyStage, Estimate]
    evaluation: dict[AnyStage, AnyStage]
    """For each stage that evaluation data reaches by an edge that learns, one stage that made such data."""
    leaks: tuple[tuple[Edge, AnyStage], ...]
    """The edges by which evaluation data is learnt from, each with the stage that made it."""
    divergence: dict[AnyStage, float]
    """The largest sum of declared KL budgets along any path that ends in a stage, nats."""
    ships: AnyStage | None
    gates: tuple[Bound, ...]
    metrics: dict[str, Metric]
    """Every metric that a gate of this pipeline could be written on."""
