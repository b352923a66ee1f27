from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.placement import TrainingPlacement


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


def _help(model: Llama, tensor: int, uneven: dict[str, int], fits: int) -> str:
    if set(uneven) == {"vocabulary"}:
        step = 128 * tensor
        return f"fill the model's up: `vocabulary={-(-model.vocabulary // step) * step}`, the rows beyond the tokenizer's are never read"
    return f"write `tensor={fits}`" + ("; a vocabulary may be padded" if "vocabulary" in uneven else "")


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
