"""What the passes derive from the graph, and what the checks judge."""

from typing import Any

import attrs

from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.compiler.passes.lineage import Lineage
from pipeline_dsl.compiler.passes.memory import Footprint
from pipeline_dsl.lang.gate import Gate, Metric
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Work
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
class Descent:
    """Where an artifact comes from. None is unknown."""

    start: AnyStage | None = None
    """The model that the stage starts from, measures or serves."""
    tokenizer: AnyStage | None = None
    template: str | None = None
    """The chat template that it was taught in."""
    taught: bool | None = None
    """Whether anything on the way learnt from conversations, preferences or prompts."""


@attrs.frozen(kw_only=True, eq=False)
class Facts:
    """The graph and everything that follows from it, one field a pass."""

    graph: Graph
    fields: dict[AnyStage, dict[str, Any]]
    unspelled: tuple[Unspelled, ...]
    definitions: dict[AnyStage, str]
    hardware: dict[AnyStage, Hardware]
    sizes: dict[AnyStage, Size]
    """What the declarations imply about each artifact."""
    placements: dict[AnyStage, Placement]
    """How models lie on devices, for the stages that train or serve one whose shape is known."""
    memory: dict[AnyStage, Footprint]
    """What each of them must hold on one device, where that is an accelerator."""
    works: dict[AnyStage, Work]
    estimates: dict[AnyStage, Estimate]
    evaluation: dict[AnyStage, AnyStage]
    """Each stage whose artifact is or holds evaluation data, with one stage that made such data."""
    lineage: Lineage
    """What is known of data, and how far it got: evaluation data, personal data, what licences forbid."""
    descent: dict[AnyStage, Descent]
    """Where models, datasets, reports and servers come from; nothing for stages that have no such inputs."""
    divergence: dict[AnyStage, float]
    """The largest sum of declared KL budgets along any path that ends in a stage, nats."""
    ships: AnyStage | None
    gates: tuple[Bound, ...]
    examples: dict[Gate, int]
    """At most how many examples a gate's metric is a mean over, for gates of which that is declared."""
    metrics: dict[str, Metric]
    """Every metric that a gate of this pipeline could be written on."""

    def same(self, one: AnyStage, other: AnyStage) -> bool:
        """Whether two declarations make the same artifact: they are one, or say the same."""
        return one is other or (one in self.definitions and self.definitions[one] == self.definitions.get(other))

    def ancestry(self, model: AnyStage) -> list[AnyStage]:
        """A model, the one that it starts from, and so on to the first."""
        found = [model]
        while (known := self.descent.get(found[-1])) is not None and known.start is not None:
            found.append(known.start)
        return found

    def taught(self, model: AnyStage) -> bool:
        """Whether a model is known to have learnt to answer."""
        known = self.descent.get(model)
        return known is not None and known.taught is True
