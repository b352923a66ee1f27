"""The pipeline as a graph of stages, by networkx: the only place that uses it.

A sound pipeline is mostly in order as it was declared, so networkx, a third of what a check costs, is imported only when
something has to be found that a plain walk does not.
"""

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from typing import Any

import attrs

from pipeline_dsl.base.span import Mark, Span
from pipeline_dsl.compiler.load import Loaded
from pipeline_dsl.lang.fields import Field, StageType
from pipeline_dsl.lang.pipeline import Pipeline
from pipeline_dsl.lang.stage import Stage, declared, is_stage, stage_type
from pipeline_dsl.plan.plan import leaves

AnyStage = Stage[Any]


@attrs.frozen(eq=False)
class Edge:
    """`consumer` reads what `producer` makes, through one of its fields."""

    producer: AnyStage
    consumer: AnyStage
    field: Field


@attrs.frozen(eq=False)
class Misplaced:
    """Something that is no stage stands where a stage should."""

    consumer: AnyStage
    field: Field
    value: object


@attrs.frozen(eq=False)
class Graph:
    """What is declared, before it is judged.

    `order` lists producers before consumers, otherwise as declared; where there is a `cycle` it is just as declared.
    """

    pipeline: Pipeline
    file: str
    root: str
    order: tuple[AnyStage, ...]
    edges: tuple[Edge, ...]
    misplaced: tuple[Misplaced, ...]
    undescribed: tuple[tuple[AnyStage, str], ...]
    unused: tuple[tuple[str, AnyStage], ...]
    cycle: tuple[AnyStage, ...]
    names: dict[AnyStage, str]

    def type(self, stage: AnyStage) -> StageType:
        """The description of a stage's class."""
        return stage_type(type(stage))

    def span(self, stage: AnyStage) -> Span:
        """Where a stage is declared."""
        mark = declared(stage)[1]
        return mark.span() if mark else Span(self.file, 1)

    def argument(self, stage: AnyStage, field: str) -> Span:
        """Where a stage's field is given, or the stage if it is left to its default."""
        mark = declared(stage)[1]
        return mark.argument(field) if mark else Span(self.file, 1)

    def pipeline_argument(self, field: str) -> Span:
        """Where a field of the pipeline is given."""
        mark: Mark | None = self.pipeline.mark
        return mark.argument(field) if mark else Span(self.file, 1)

    def ancestors(self, *stages: AnyStage) -> set[AnyStage]:
        """Every stage that one of `stages` depends on."""
        found: set[AnyStage] = set()
        pending = [*stages]
        while pending:
            new = self._parents.get(pending.pop(), set()) - found
            found |= new
            pending += new
        return found

    def path(self, start: AnyStage, end: AnyStage) -> list[AnyStage]:
        """A shortest way from producer to consumer."""
        import networkx

        nx: Any = networkx  # its types say less than ours
        return nx.shortest_path(_network(self.order, self.edges), start, end)

    @cached_property
    def inputs(self) -> dict[AnyStage, list[Edge]]:
        """The edges that lead into each stage that has any."""
        found: dict[AnyStage, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.consumer, []).append(edge)
        return found

    @cached_property
    def _parents(self) -> dict[AnyStage, set[AnyStage]]:
        found: dict[AnyStage, set[AnyStage]] = {}
        for edge in self.edges:
            found.setdefault(edge.consumer, set()).add(edge.producer)
        return found


def build(loaded: Loaded) -> Graph:
    """The graph of everything that the pipeline's targets need."""
    pipeline = loaded.pipeline
    stages, edges, misplaced, undescribed = _collect(_roots(pipeline))
    order = sorted(stages, key=declared_order)
    place = {stage: index for index, stage in enumerate(order)}
    cycle: tuple[AnyStage, ...] = ()
    if any(place[edge.producer] >= place[edge.consumer] for edge in edges):
        import networkx

        nx: Any = networkx
        network = _network(order, edges)
        try:
            order = list(nx.lexicographical_topological_sort(network, key=place.__getitem__))
        except nx.NetworkXUnfeasible:
            cycle = tuple(producer for producer, _ in nx.find_cycle(network))
    unused = tuple((name, stage) for name, stage in loaded.stages if not _flaw(type(stage)) and stage not in place)
    return Graph(
        pipeline,
        loaded.file,
        loaded.root,
        tuple(order),
        tuple(edges),
        tuple(misplaced),
        tuple(undescribed),
        unused,
        cycle,
        _names(order),
    )


def _network(order: Iterable[AnyStage], edges: Iterable[Edge]) -> Any:
    import networkx

    nx: Any = networkx
    network: Any = nx.DiGraph()
    network.add_nodes_from(order)
    network.add_edges_from((edge.producer, edge.consumer) for edge in edges)
    return network


def declared_order(stage: AnyStage) -> int:
    """The place of a stage among all declarations."""
    return declared(stage)[0]


def _roots(pipeline: Pipeline) -> Iterator[AnyStage]:
    for value in (*pipeline.targets, pipeline.ships, pipeline.baseline):
        if is_stage(value):
            yield value
    for gate in pipeline.gates:
        of = getattr(gate, "of", None)
        if is_stage(of):
            yield of


def _collect(roots: Iterator[AnyStage]) -> tuple[list[AnyStage], list[Edge], list[Misplaced], list[tuple[AnyStage, str]]]:
    pending = list({id(stage): stage for stage in roots}.values())
    seen = {id(stage) for stage in pending}
    stages: list[AnyStage] = []
    edges: list[Edge] = []
    misplaced: list[Misplaced] = []
    undescribed: list[tuple[AnyStage, str]] = []
    while pending:
        stage = pending.pop()
        try:
            inputs = stage_type(type(stage)).inputs
        except Exception as error:  # an annotation is code, and may raise whatever code may
            undescribed.append((stage, str(error) or type(error).__name__))
            continue
        if flaw := _flaw(type(stage)):
            undescribed.append((stage, flaw))
            continue
        stages.append(stage)
        for field in inputs:
            value = getattr(stage, field.name)
            if value is None and field.optional:
                continue
            for item in leaves(value) if value is not None else (None,):
                if not is_stage(item):
                    misplaced.append(Misplaced(stage, field, item))
                    continue
                if not _flaw(type(item)):
                    edges.append(Edge(item, stage, field))
                if id(item) not in seen:
                    seen.add(id(item))
                    pending.append(item)
    return list(dict.fromkeys(stages)), edges, misplaced, undescribed


def _given(name: object) -> str:
    """A name that was given; empty if none was, or something else than text, which is reported as such."""
    return name if isinstance(name, str) else ""


@cache
def _flaw(cls: type[AnyStage]) -> str:
    """What keeps stages of a class from being told apart, or from having all fields; empty if nothing does."""
    if cls.__hash__ is None:
        return f"`{cls.__name__}` compares its stages by value; leave `__eq__` and `@dataclass` away"
    made: Any = cls.__init__
    if not made.__code__.co_filename.startswith("<attrs"):
        return f"`{cls.__name__}` has an `__init__` of its own; write its fields as annotations"
    return ""


def _names(order: list[AnyStage]) -> dict[AnyStage, str]:
    width = max(2, len(str(len(order))))
    return {stage: _given(stage.name) or f"{index:0{width}d}_{stage_type(type(stage)).kind}" for index, stage in enumerate(order, 1)}
