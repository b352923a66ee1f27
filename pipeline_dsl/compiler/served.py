"""The model that ships, and the engine that a cluster's settings serve it on for good."""

from collections.abc import Iterator

from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.artifacts import QuantizedModel, ServerSpec
from pipeline_dsl.lang.kubernetes import Kubernetes, Serving, TensorRtLlm
from pipeline_dsl.lang.stage import is_stage


def served(facts: Facts) -> Iterator[tuple[TensorRtLlm, AnyStage]]:
    """Each engine with the stage that makes the model which it serves."""
    for serving, shipped in servings(facts):
        yield serving.engine, shipped


def servings(facts: Facts) -> Iterator[tuple[Serving, AnyStage]]:
    """The same with all that is said of how it is served."""
    shipped = facts.ships
    if shipped is None:
        return
    if issubclass(facts.graph.type(shipped).produces, ServerSpec):
        model = getattr(shipped, "model", None)
        shipped = model if is_stage(model) else shipped
    for options in facts.graph.pipeline.launchers:
        if isinstance(options, Kubernetes) and options.serving is not None:
            yield options.serving, shipped


BITS = {"FP8": 8.0, "W8A16": 8.0, "NVFP4": 4.0, "W4A16_AWQ": 4.0, "W4A8_AWQ": 4.0, "W4A16": 4.0}
"""Of a weight, by what TensorRT-LLM calls its format."""


def packed_as(engine: TensorRtLlm, shipped: AnyStage, facts: Facts) -> str | None:
    """The format of what is served, in TensorRT-LLM's words; None for whole weights, and where nobody says."""
    if issubclass(facts.graph.type(shipped).produces, QuantizedModel):
        bits, method = getattr(shipped, "bits", None), getattr(shipped, "method", None)
        if bits == 4:
            return "W4A16_AWQ" if method == "awq" else "W4A16"
    return engine.quantization
