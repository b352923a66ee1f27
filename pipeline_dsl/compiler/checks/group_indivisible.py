from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import QuantizedModel

SMALL = 1e9
"""Parameters below which a model is tried out, and served by nobody."""


class GroupIndivisible(FactCheck):
    """The input channels of a model's matrices are no whole number of quantization groups.

    Weights of one group share a scale, and the kernels read whole groups: vLLM and TensorRT-LLM refuse such a matrix when the
    model is loaded, after hours of calibration. Judged, of a billion parameters or more, where a stage that quantizes says its
    `group` and the model's shape is known. Source: Lin et al. (2023), arXiv:2306.00978, section 4, with groups of 128.
    """

    code = "PDSL344"
    bad = (
        "odd = Llama(hidden=2880, layers=24, heads=32, kv_heads=8, ffn=7700, vocabulary=32_000, context=2048)\n"
        "class Pack(Quantize):\n    group: Count = 128\n"
        "packed = Pack(model=Train(data=Tokenize(corpus=Crawl()), model=odd), runtime='tensorrt-llm')"
    )
    good = (
        "class Pack(Quantize):\n    group: Count = 128\npacked = Pack(model=Train(data=Tokenize(corpus=Crawl())), runtime='tensorrt-llm')"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage in graph.order:
            if not issubclass(graph.type(stage).produces, QuantizedModel):
                continue
            group: Any = getattr(stage, "group", None)
            for edge in graph.inputs.get(stage, ()):
                model = facts.sizes[edge.producer].model
                if edge.field.held_out or model is None or model.parameters < SMALL or type(group) is not int or group < 1:
                    continue
                uneven = {name: width for name, width in _channels(model).items() if width % group}
                if uneven:
                    fits = [size for size in (128, 64, 32, 16) if not any(width % size for width in _channels(model).values())]
                    yield self.finding(
                        f"{', '.join(f'{name} = {width}' for name, width in uneven.items())} of `{graph.names[edge.producer]}` "
                        f"do{'es' if len(uneven) == 1 else ''} not divide into groups of {group}",
                        at=graph.argument(stage, "group"),
                        related=[("the model", graph.span(edge.producer))],
                        help=f"write `group={fits[0]}`" if fits else "no usual group divides this model; keep it in 16 bits",
                    )
                    break


def _channels(model: Llama) -> dict[str, int]:
    """The input channels of the matrices that are quantized."""
    found = {"hidden": model.hidden, "heads x head": model.attention_width, "ffn": model.ffn}
    if model.experts is not None:
        found["experts.ffn"] = model.experts.ffn
        if not model.experts.dense:
            del found["ffn"]
    return found
