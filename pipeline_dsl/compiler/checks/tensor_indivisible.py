from collections.abc import Callable, Iterator
from functools import partial

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.passes.contracts import said
from pipeline_dsl.compiler.served import served
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import ServerSpec
from pipeline_dsl.lang.placement import SHARING, TrainingPlacement


class TensorIndivisible(FactCheck):
    """Tensor parallelism that does not divide the model's heads, key heads, feed-forward width or vocabulary.

    Each device holds whole heads and an equal part of every matrix: Megatron asserts it when the model is built. Key heads may be
    fewer than the devices, if they divide them: then each is copied. A vocabulary is divided once it is padded. Source:
    Shoeybi et al. (2019), arXiv:1909.08053, section 3.
    """

    code = "PDSL325"
    bad = "base = Train(data=Tokenize(corpus=Crawl()), processes=12, batch=12, parallel=Parallel(tensor=6))"
    good = "base = Train(data=Tokenize(corpus=Crawl()), processes=16, batch=12, parallel=Parallel(tensor=4))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        yield from self._served(facts)
        for stage, placed in facts.placements.items():
            if not isinstance(placed, TrainingPlacement):
                continue
            tensor = placed.parallel.tensor
            uneven = indivisible(placed.model, tensor)
            if uneven:
                fits = [size for size in range(1, tensor + 1) if not indivisible(placed.model, size)]
                yield self.finding(
                    f"{tensor} devices cannot share {', '.join(f'{name} = {size}' for name, size in uneven.items())}",
                    at=facts.graph.argument(stage, "parallel"),
                    help=_help(placed.model, tensor, uneven, fits[-1]),
                )

    def _served(self, facts: Facts) -> Iterator[Diagnostic]:
        """The same of what serves: the engine of a cluster's settings, and servers of somebody's own."""
        for engine, shipped in served(facts):
            at = partial(facts.graph.pipeline_argument, "launchers")
            yield from self._shared(facts, shipped, engine.tensor_parallel, at, "TensorRtLlm(tensor_parallel={})")
        for stage, descent in facts.descent.items():
            if descent.start is None or not issubclass(facts.graph.type(stage).produces, ServerSpec):
                continue
            for name in SHARING:
                tensor = said(stage, name, int)
                if tensor is not None:
                    yield from self._shared(facts, descent.start, tensor, partial(facts.graph.argument, stage, name), name + "={}")

    def _shared(self, facts: Facts, shipped: AnyStage, tensor: int, at: Callable[[], Span], written: str) -> Iterator[Diagnostic]:
        model = facts.sizes[shipped].model
        if model is None or model.problems() or tensor < 1:
            return
        uneven = _unservable(model, tensor)
        if uneven:
            fits = [size for size in range(1, tensor + 1) if not _unservable(model, size)]
            yield self.finding(
                f"{tensor} devices of the server cannot share {', '.join(f'{name} = {size}' for name, size in uneven.items())} "
                f"of `{facts.graph.names[shipped]}`",
                at=at(),
                related=[("what it serves", facts.graph.span(shipped))],
                help=f"write `{written.format(fits[-1])}`",
            )


def _help(model: Llama, tensor: int, uneven: dict[str, int], fits: int) -> str:
    if set(uneven) == {"vocabulary"}:
        step = 128 * tensor
        return f"fill the model's up: `vocabulary={-(-model.vocabulary // step) * step}`, the rows beyond the tokenizer's are never read"
    return f"write `tensor={fits}`" + ("; a vocabulary may be padded" if "vocabulary" in uneven else "")


def _unservable(model: Llama, tensor: int) -> dict[str, int]:
    """The same for a server, which fills up a vocabulary by itself."""
    return {name: size for name, size in indivisible(model, tensor).items() if name != "vocabulary"}


def indivisible(model: Llama, tensor: int) -> dict[str, int]:
    """The sizes of a model that so many devices cannot share evenly."""
    widths = {"heads": model.heads, "ffn": model.ffn, "vocabulary": model.vocabulary}
    if model.experts is not None:
        widths["experts.ffn"] = model.experts.ffn
        if not model.experts.dense:
            del widths["ffn"]
    uneven = {name: size for name, size in widths.items() if size % tensor}
    if model.kv_heads % tensor and tensor % model.kv_heads:
        uneven["kv_heads"] = model.kv_heads
    return uneven
