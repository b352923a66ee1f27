"""The sound parts of a large run, for the faulty pipelines beside this file that break how it lies on its devices."""

from typing import Any, ClassVar

from pipeline_dsl import H100, Checkpoint, Experts, Hardware, Llama, Size, Sizes, Stage, Workspace
from pipeline_dsl.stages import Ingest, Pretrain, Split, Tokenize, TrainTokenizer

from _parts import SEVEN, source

MIXED = Llama(
    hidden=2048, layers=16, heads=16, kv_heads=16, ffn=1024, vocabulary=32_000, context=4096, experts=Experts(count=64, active=8, ffn=1024)
)
"""Seven billion parameters in experts."""


class Megatron(Pretrain):
    """Training on an engine that divides a model in every way."""

    dimensions: ClassVar[tuple[str, ...]] = ("tensor", "pipeline", "context", "expert", "sequence")


_text = Ingest(sources=(source,), filters=(), languages=("en",), tokens=8_000_000_000_000)
_train = Split(corpus=_text, part="train")
_validation = Split(corpus=_text, part="validation")


def data(length: int = 4096, vocabulary: int = 32_000) -> dict[str, Any]:
    """Rows of so many tokens, rows to validate on, and the tokenizer that made them."""
    tokenizer = TrainTokenizer(corpora=(_train,), vocabulary=vocabulary)
    return {
        "data": Tokenize(tokenizer=tokenizer, corpora=(_train,), length=length),
        "validation": Tokenize(tokenizer=tokenizer, corpora=(_validation,), length=length),
        "tokenizer": tokenizer,
    }


RUN: dict[str, Any] = {"model": SEVEN, "tokens": 2_000_000_000_000, "batch": 1024, "micro_batch": 1, "learning_rate": 3e-4}
"""Seven billion parameters on two trillion tokens, but for how they are divided."""

seven = Pretrain(**data(), **RUN, processes=512, zero_stage=2, on=Hardware(device=H100, count=8, nodes=64))


class Published(Stage[Checkpoint]):
    """A base model that somebody published."""

    model: Llama

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model)

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


SEVENTY = Published(model=Llama(hidden=8192, layers=80, heads=64, kv_heads=8, ffn=28_672, vocabulary=32_000, context=4096))
