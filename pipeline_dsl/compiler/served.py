"""The model that ships, and the engine that a cluster's settings serve it on for good."""

from collections.abc import Iterator

from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.artifacts import ServerSpec
from pipeline_dsl.lang.kubernetes import Kubernetes, TensorRtLlm
from pipeline_dsl.lang.stage import is_stage


def served(facts: Facts) -> Iterator[tuple[TensorRtLlm, AnyStage]]:
    """Each engine with the stage that makes the model which it serves."""
    shipped = facts.ships
    if shipped is None:
        return
    if issubclass(facts.graph.type(shipped).produces, ServerSpec):
        model = getattr(shipped, "model", None)
        shipped = model if is_stage(model) else shipped
    for options in facts.graph.pipeline.launchers:
        if isinstance(options, Kubernetes) and options.serving is not None:
            yield options.serving.engine, shipped
