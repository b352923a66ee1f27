from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.lineage import learns
from pipeline_dsl.compiler.slices import overlap
from pipeline_dsl.lang.label import PARTS

RESHAPING = frozenset({"limit", "length", "seed", "packing", "shard", "repeats", "shuffle"})
"""Fields that choose or arrange rows, and take no part of the data that another stage would leave out."""


class ValidatedOnTrainingData(FactCheck):
    """What is kept for measuring is what the stage learns from, as the same stage or under another declaration.

    Two declarations that say the same make the same data, and two selections from one corpus share their documents: a `limit` or
    another `seed` takes no part away; slices such as `train[:90%]` and `train[10%:]` overlap. The loss falls, the
    accuracy rises, and nothing says when to stop: it measures memory.
    """

    code = "PDSL236"
    bad = "base = Pretrain(data=Tokenize(corpus=Crawl()), validation=Tokenize(corpus=Crawl(), length=512))"
    good = "base = Pretrain(data=Tokenize(corpus=Crawl()), validation=Tokenize(corpus=Heldout()))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, edges in graph.inputs.items():
            held = [edge for edge in edges if edge.field.held_out]
            if not held or not learns(graph, stage):
                continue
            learnt = [edge for edge in edges if not edge.field.held_out]
            for edge in held:
                twin = next((other for other in learnt if _shared(facts, edge.producer, other.producer)), None)
                if twin is not None:
                    yield self.finding(
                        f"`{graph.names[stage]}` is measured on `{edge.field.name}`, which it learns from as `{twin.field.name}`",
                        at=graph.argument(stage, edge.field.name),
                        related=[("the data that it learns from", graph.span(twin.producer))],
                        help="keep a part apart that nothing learns from, such as `Split(..., part='validation')`",
                    )


def _overlap(facts: Facts, held: AnyStage, learnt: AnyStage) -> bool:
    """Whether both are slices of one published data set that have rows in common."""
    fields = facts.fields[held], facts.fields[learnt]
    differ = [name for name in fields[0] if fields[0][name] != fields[1].get(name) and name not in _COUNTS]
    if len(differ) != 1 or differ[0] not in PARTS:
        return False
    parts = fields[0][differ[0]], fields[1].get(differ[0])
    return isinstance(parts[0], str) and isinstance(parts[1], str) and overlap(parts[0], parts[1])


_COUNTS = frozenset({"examples", "rows", "documents", "tokens"})
"""Fields that say how much there is of something, and choose nothing."""


def _shared(facts: Facts, held: AnyStage, learnt: AnyStage) -> bool:
    """Whether both are the same data, or selections from the very same."""
    if facts.same(held, learnt):
        return True
    graph = facts.graph
    if graph.type(held).path != graph.type(learnt).path:
        return False
    if not graph.inputs.get(held):
        return _overlap(facts, held, learnt)
    one, other = ([edge.producer for edge in graph.inputs.get(stage, ())] for stage in (held, learnt))
    fields = facts.fields[held], facts.fields[learnt]
    differ = {name for name in fields[0] if fields[0][name] != fields[1].get(name)}
    return len(one) == len(other) and all(map(facts.same, one, other)) and differ <= RESHAPING
