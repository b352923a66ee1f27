from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import said
from pipeline_dsl.compiler.served import served
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
        yield from self._served(facts)
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

    def _served(self, facts: Facts) -> Iterator[Diagnostic]:
        """The same of each device of the server: what leaves attention and the feed-forward part is divided by its inputs."""
        for engine, shipped in served(facts):
            model, group = facts.sizes[shipped].model, said(shipped, "group", int)
            if not issubclass(facts.graph.type(shipped).produces, QuantizedModel) or model is None or not group or group < 1:
                continue
            uneven = _split(model, engine.tensor_parallel, group)
            if model.parameters < SMALL or not uneven:
                continue
            fits = [size for size in range(1, engine.tensor_parallel) if _whole(model, size * group)]
            narrow = [size for size in (128, 64, 32, 16) if not _split(model, engine.tensor_parallel, size)]
            told = [f"`TensorRtLlm(tensor_parallel={fits[-1]})`, and more by `pipeline_parallel`"] if fits else []
            told += [f"`group={narrow[0]}` where it is quantized"] if narrow else []
            parts = ", ".join(f"{size:g} of {name}" for name, size in uneven.items())
            yield self.finding(
                f"{engine.tensor_parallel} devices of the server get {parts} each, which does not divide into groups of {group}",
                at=facts.graph.pipeline_argument("launchers"),
                related=[("grouped here", facts.graph.argument(shipped, "group"))],
                help=f"write {', or '.join(told)}" if told else "serve it on fewer devices, or in 16 bits",
            )


def _split(model: Llama, tensor: int, group: int) -> dict[str, float]:
    """The input channels that one device gets of matrices that are divided by them, where they are no whole number of groups.

    A width that the devices cannot share at all is another fault.
    """
    shared = {name: width for name, width in _channels(model).items() if name != "hidden" and width % tensor == 0}
    return {name: width / tensor for name, width in shared.items() if width // tensor % group}


def _whole(model: Llama, channels: int) -> bool:
    return not any(width % channels for name, width in _channels(model).items() if name != "hidden")


def _channels(model: Llama) -> dict[str, int]:
    """The input channels of the matrices that are quantized."""
    found = {"hidden": model.hidden, "heads x head": model.attention_width, "ffn": model.ffn}
    if model.experts is not None:
        found["experts.ffn"] = model.experts.ffn
        if not model.experts.dense:
            del found["ffn"]
    return found
