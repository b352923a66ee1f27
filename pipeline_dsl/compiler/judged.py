"""Which held-out data the gates judge by, and who else looks at it."""

from collections.abc import Iterator

from pipeline_dsl.compiler.facts import Bound, Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.evidence import held_out
from pipeline_dsl.lang.artifacts import EvalSuite


def origin(facts: Facts, source: AnyStage) -> AnyStage:
    """The stage that made the evaluation data that `source` hands on."""
    return facts.evaluation.get(source, source)


def judged(facts: Facts) -> dict[AnyStage, Bound]:
    """The evaluation data that gates judge models by, each with the first gate that does; who looks for it in training data judges none."""
    found: dict[AnyStage, Bound] = {}
    for bound in facts.gates:
        if bound.metric is not None and bound.metric.family == "contamination":
            continue
        for stage in bound.stages:
            for source in held_out(facts.graph, stage):
                found.setdefault(origin(facts, source), bound)
    return found


def is_test(facts: Facts, stage: AnyStage) -> bool:
    """Whether a stage makes data to judge a finished model by: a suite, or the part `test` of something."""
    return issubclass(facts.graph.type(stage).produces, EvalSuite) or getattr(stage, "part", None) == "test"


def measurements(facts: Facts) -> Iterator[tuple[AnyStage, AnyStage]]:
    """Each stage that measures on held-out data, with the stage that made it."""
    for stage in facts.graph.order:
        for source in held_out(facts.graph, stage):
            yield stage, origin(facts, source)
