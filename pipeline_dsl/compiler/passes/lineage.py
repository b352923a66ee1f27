"""Pass: follow labels along the graph, from the stages where they arise to the stages that they reach.

A label flows through every input, but for inputs marked `held_out()`, which only measure, and stages that clear its kind.
Evaluation and personal data end where something learns from them: there they are judged, once. A stage keeps one label of
each kind that reaches it, on its shortest way, and the edge it came by: the work is linear in edges, and any path can be read back.
"""

from collections.abc import Iterator

import attrs

from pipeline_dsl.compiler.graph import AnyStage, Edge, Graph
from pipeline_dsl.lang.artifacts import Adapter, Chats, Corpus, Dataset, EvalSuite, Preferences, Prompts, ScalingLaw, Tokenizer, Weights
from pipeline_dsl.lang.label import Division, Kind, Label

ENDS = frozenset({"evaluation", "personal"})
"""The kinds that are about data, and end where it is learnt from."""


@attrs.frozen(eq=False)
class Came:
    """A label at a stage, the stage where it arises, and the edge by which it got here; None where it arises.

    `hops` counts the stages on its way.
    """

    label: Label
    origin: AnyStage
    edge: Edge | None
    hops: int = 0


@attrs.frozen(eq=False)
class Lineage:
    """Where every label got to."""

    came: dict[AnyStage, dict[Kind, Came]]
    undivided: dict[AnyStage, AnyStage]
    """Stages whose artifact holds a whole that a part for measuring is taken of, each with the stage that takes it."""
    learning: tuple[Edge, ...]
    """The edges by which something that learns reads what nothing has learnt from yet."""

    def carriers(self, kind: Kind) -> dict[AnyStage, AnyStage]:
        """Every stage whose artifact carries a label of a kind, with one stage where it arises."""
        return {stage: found[kind].origin for stage, found in self.came.items() if kind in found}

    def label(self, stage: AnyStage, kind: Kind) -> Label | None:
        """The label of a kind that a stage's artifact carries."""
        found = self.came.get(stage, {}).get(kind)
        return found.label if found else None

    def path(self, stage: AnyStage, kind: Kind) -> list[AnyStage]:
        """The way that a label took, from where it arises to `stage`."""
        way = [stage]
        while (edge := self.came[way[-1]][kind].edge) is not None:
            way.append(edge.producer)
        return way[::-1]

    def reached(self, kind: Kind) -> Iterator[tuple[Edge, Label]]:
        """The edges by which something learns from what carries a label of a kind, with the label."""
        for edge in self.learning:
            label = self.label(edge.producer, kind)
            if label is not None:
                yield edge, label


def follow(graph: Graph) -> Lineage:
    """Every label, followed to its end."""
    inputs: dict[AnyStage, list[Edge]] = {}
    learning: list[Edge] = []
    drawn = _drawn(graph)
    for edge in graph.edges:
        if not edge.field.held_out or edge.consumer in drawn:
            inputs.setdefault(edge.consumer, []).append(edge)
            if learns(graph, edge.consumer) and not learns(graph, edge.producer):
                learning.append(edge)
    came: dict[AnyStage, dict[Kind, Came]] = {}
    for stage in graph.order:
        found: dict[Kind, Came] = {}
        for label in stage.labels():
            found.setdefault(label.kind, Came(label, stage, None))
        if issubclass(graph.type(stage).produces, EvalSuite):  # whatever its type says of itself
            found.setdefault("evaluation", Came(Label("evaluation"), stage, None))
        carried = [edge for edge in inputs.get(stage, ()) if edge.producer in came]
        if carried:
            cleared = frozenset(stage.clears())
            stopped = cleared | ENDS if learns(graph, stage) else cleared
            for edge in carried:
                for kind, before in came[edge.producer].items():
                    now = found.get(kind)
                    if kind not in stopped and (now is None or before.hops + 1 < now.hops):
                        found[kind] = Came(before.label, before.origin, edge, before.hops + 1)
        if found:
            came[stage] = found
    return Lineage(came, _undivided(graph, inputs), tuple(learning))


def _drawn(graph: Graph) -> set[AnyStage]:
    """The stages that make data out of nothing but what is held out, such as the answers of a model to a test's questions: there,
    `held_out()` cannot mean that the data is only measured on."""
    reads_data: dict[AnyStage, bool] = {}
    for edge in graph.edges:
        if issubclass(graph.type(edge.consumer).produces, _DATA):
            data = not edge.field.held_out and not learns(graph, edge.producer)
            reads_data[edge.consumer] = reads_data.get(edge.consumer, False) or data
    return {stage for stage, reads in reads_data.items() if not reads}


_DATA = Corpus | Dataset | Chats | Preferences | Prompts


def learns(graph: Graph, stage: AnyStage) -> bool:
    """Whether a stage makes something that has learnt from what it read."""
    return issubclass(graph.type(stage).produces, Weights | Adapter | Tokenizer | ScalingLaw)


def divisions(graph: Graph) -> Iterator[tuple[AnyStage, Division]]:
    """The stages that take a part of a whole."""
    for stage in graph.order:
        division = stage.division()
        if division is not None:
            yield stage, division


def _undivided(graph: Graph, inputs: dict[AnyStage, list[Edge]]) -> dict[AnyStage, AnyStage]:
    """What holds a whole that something takes a part of to measure on: the whole, the corpora that it was made of, and what is
    made of either, up to where the part to learn from is taken, or something has learnt."""
    divided = dict(divisions(graph))
    found: dict[AnyStage, AnyStage] = {}
    for stage, division in divided.items():
        if division.part != "train":
            found.setdefault(division.whole, stage)
    pending = list(found)
    while pending:
        whole = pending.pop()
        for edge in inputs.get(whole, ()):
            if edge.producer not in found and issubclass(graph.type(edge.producer).produces, Corpus):
                found[edge.producer] = found[whole]
                pending.append(edge.producer)
    if found:
        for stage in graph.order:
            if stage not in found and stage not in divided and not learns(graph, stage) and "evaluation" not in stage.clears():
                origin = next((found[edge.producer] for edge in inputs.get(stage, ()) if edge.producer in found), None)
                if origin is not None:
                    found[stage] = origin
    return found
