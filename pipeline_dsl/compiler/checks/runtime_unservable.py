from collections.abc import Iterator
from typing import cast

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import made_by, said
from pipeline_dsl.compiler.served import packed_as, served
from pipeline_dsl.lang.artifacts import QuantizedModel, ServerSpec
from pipeline_dsl.lang.device import CPU_CORE
from pipeline_dsl.lang.hardware import Hardware

NEED_GPU = frozenset({"tensorrt-llm"})
"""Formats that no CPU runs."""


class RuntimeUnservable(FactCheck):
    """A model is packed for one engine and served by another, or served where that engine does not run.

    The layouts of packed weights differ, so the server fails at the first tensor it loads, after the model was trained,
    quantized and measured. A quantizing stage says what it packs for as `runtime`, a server what it loads as `runtimes`.
    """

    code = "PDSL231"
    bad = (
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nreport = Evaluate(model=sft)\n"
        "server = Serve(model=Quantize(model=sft, runtime='tensorrt-llm'))\n"
        "pipeline = Pipeline(name='p', targets=[server, report], gates=GATES[:3], baseline=Release(manifest='v1.yaml'))"
    )
    good = (
        "sft = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nreport = Evaluate(model=sft)\n"
        "server = Serve(model=Quantize(model=sft, runtime='compressed-tensors'))\n"
        "pipeline = Pipeline(name='p', targets=[server, report], gates=GATES[:3], baseline=Release(manifest='v1.yaml'))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for engine, shipped in served(facts):
            packed, form = said(shipped, "runtime", str), packed_as(engine, shipped, facts)
            if engine.quantization is not None and form != engine.quantization:
                yield self.finding(
                    f"`{graph.names[shipped]}` is packed as {form}, the engine is told {engine.quantization}",
                    at=graph.pipeline_argument("launchers"),
                    related=[("packed here", graph.span(shipped))],
                    help=f'write `TensorRtLlm(quantization="{form}")`, or leave it out',
                )
            if issubclass(graph.type(shipped).produces, QuantizedModel) and packed is not None and packed not in NEED_GPU:
                yield self.finding(
                    f"`{graph.names[shipped]}` is packed for {packed}; TensorRT-LLM, which serves it, loads tensorrt-llm",
                    at=graph.argument(shipped, "runtime"),
                    related=[("served here", graph.pipeline_argument("launchers"))],
                    help='quantize for this server: `runtime="tensorrt-llm"`',
                )
        for edge in graph.edges:
            if not issubclass(made_by(graph, edge), QuantizedModel) or not issubclass(graph.type(edge.consumer).produces, ServerSpec):
                continue
            packed = said(edge.producer, "runtime", str)
            loads = cast("tuple[str, ...] | None", said(edge.consumer, "runtimes", tuple))
            if packed is None:
                continue
            related = [("packed here", graph.argument(edge.producer, "runtime"))]
            if loads is not None and packed not in loads:
                yield self.finding(
                    f"`{graph.names[edge.producer]}` is packed for {packed}; `{graph.names[edge.consumer]}` loads {', '.join(loads)}",
                    at=graph.argument(edge.consumer, edge.field.name),
                    related=related,
                    help=f'quantize for this server: `runtime="{loads[0]}"`' if loads else "",
                )
            elif packed in NEED_GPU and _on_cores(facts, edge.consumer):
                yield self.finding(
                    f"`{graph.names[edge.producer]}` is packed for {packed}, which runs on no CPU",
                    at=graph.argument(edge.consumer, edge.field.name),
                    related=related,
                    help='serve it `on` a GPU, or quantize with `runtime="compressed-tensors"`',
                )


def _on_cores(facts: Facts, stage: AnyStage) -> bool:
    """Whether somebody said that a stage runs on a CPU; a pipeline that says nothing does too, and is not judged by it."""
    said_so = stage.on is not None or facts.graph.pipeline.on != Hardware(device=CPU_CORE)
    return said_so and not facts.hardware[stage].device.accelerator
