"""What leaves a pipeline, and what the licences of all that it was made of forbid to do with it."""

from collections.abc import Iterator, Sequence

import attrs

from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.trail import hops, spelled
from pipeline_dsl.lang.artifacts import ServerSpec
from pipeline_dsl.lang.label import Kind, Label

FORBIDS = {
    "non-commercial": "may not be used commercially",
    "no-derivatives": "may not be changed or built upon",
    "no-competing": "may not be used to make a model that competes with its maker's",
    "unknown": "has terms that nobody has read",
}
"""What each kind says, after the licence's name."""


@attrs.frozen(eq=False)
class Carried:
    """A stage that is released, and a licence that came to it: from where, at which argument, on which way."""

    stage: AnyStage
    label: Label
    at: Span
    way: str
    related: Sequence[tuple[str, Span]]
    others: str
    """The further licences of that kind that came to it; empty if there are none."""


def servers(facts: Facts) -> list[AnyStage]:
    """The stages that make a server."""
    return [stage for stage in facts.graph.order if issubclass(facts.graph.type(stage).produces, ServerSpec)]


def released(facts: Facts) -> list[AnyStage]:
    """What others get to use: the servers, or without one what ships."""
    return servers(facts) or ([facts.ships] if facts.ships else [])


def carried(facts: Facts, stages: Sequence[AnyStage], kinds: Sequence[Kind]) -> Iterator[Carried]:
    """The licences of some kinds that came to some stages, the first of each kind with the way that it took.

    A licence that forbids several things is told once.
    """
    graph, lineage = facts.graph, facts.lineage
    for stage in stages:
        told: set[str] = set()
        for kind in kinds:
            came = lineage.came.get(stage, {}).get(kind)
            if came is None or came.label.said in told:
                continue
            told.add(came.label.said)
            path = lineage.path(stage, kind)
            more = sorted(_said(facts, stage, kind) - {came.label.said})
            yield Carried(
                stage=stage,
                label=came.label,
                at=graph.argument(stage, came.edge.field.name if came.edge else "licence"),
                way=spelled(graph, path),
                related=hops(graph, path, first=f"`{came.label.said}` comes in here", field="licence") if came.edge else (),
                others=f" (and {', '.join(more)} as well)" if more else "",
            )


def _said(facts: Facts, stage: AnyStage, kind: Kind) -> set[str]:
    """Every licence of a kind that reaches a stage: only looked for once one is reported."""
    came = facts.lineage.came
    above = {stage, *facts.graph.ancestors(stage)}
    return {came[one][kind].label.said for one in above if kind in came.get(one, {})}
