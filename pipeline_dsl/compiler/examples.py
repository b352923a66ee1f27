"""The short stage types that the examples of checks are written in, and how such an example is compiled.

    web = Crawl()
    tokens = Tokenize(corpus=web)

is compiled as a whole module: with the imports that it needs, and a pipeline that makes what nothing else uses. The stages only
declare; none of them can run.
"""

import ast
import importlib
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.flops import six_nd
from pipeline_dsl.base.units import Seconds, Tokens
from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import (
    CausalModel,
    Checkpoint,
    Corpus,
    Dataset,
    EvalReport,
    Policy,
    QuantizedModel,
    ServerSpec,
    SftModel,
)
from pipeline_dsl.lang.fields import Count, NonNegative, Whole, execution, held_out
from pipeline_dsl.lang.gate import baseline, metric
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

__all__ = ["GATES", "Crawl", "Dpo", "Evaluate", "Heldout", "Merge", "Perplexity", "Pretrain", "Serve", "Sft", "Tokenize"]

SMALL = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
"""Seven billion parameters, so that an example can cost something."""

GATES = (
    metric("mmlu") >= baseline,
    metric("safety_refusal_rate") <= 0.05,
    metric("cost_total_usd") <= 50_000,
    metric("kl_from_reference") <= 25.0,
)
"""What a pipeline that ships must be asked."""


class Crawl(Stage[Corpus]):
    """Documents from somewhere."""

    depth: Count = 1
    filter: Any = None

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Heldout(Stage[Corpus]):
    """Documents to evaluate on."""

    evaluation = True

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Merge(Stage[Corpus]):
    """Several corpora as one."""

    corpora: tuple[Ref[Corpus], ...]

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Tokenize(Stage[Dataset]):
    """Token ids."""

    corpus: Ref[Corpus]

    def run(self, work: Workspace) -> Dataset:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Pretrain(Stage[Checkpoint]):
    """A base model of seven billion parameters."""

    data: Ref[Dataset]
    tokens: Count = 1_000
    batch: Count = 8
    micro_batch: Count = 4
    learning_rate: NonNegative = 3e-4

    def size(self, sizes: Sizes) -> Size:
        """What `tokens` of training give."""
        return Size(model=SMALL, tokens=Tokens(self.tokens))

    def cost(self, sizes: Sizes) -> Work:
        """Six operations a parameter and a token."""
        return Work(flops=six_nd(SMALL.parameters, Tokens(self.tokens)), seconds=Seconds(60))

    def problems(self) -> Iterator[Problem]:
        """A batch is made of whole micro-batches."""
        if self.batch % self.micro_batch:
            yield Problem("batch", f"{self.batch} is not a multiple of micro_batch = {self.micro_batch}", "change one of them")

    def run(self, work: Workspace) -> Checkpoint:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Sft(Stage[SftModel]):
    """A model that answers."""

    base: Ref[Checkpoint]

    def run(self, work: Workspace) -> SftModel:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Dpo(Stage[Policy]):
    """A policy."""

    aligns = True

    policy: Ref[SftModel]
    kl_budget: NonNegative | None = execution(default=None)

    def measures(self) -> Iterable[str]:
        """How far it went."""
        return ("kl_from_reference",)

    def run(self, work: Workspace) -> Policy:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Evaluate(Stage[EvalReport]):
    """The scores of a model."""

    model: Ref[CausalModel | QuantizedModel]
    metrics: tuple[str, ...] = ("mmlu", "safety_refusal_rate")
    shots: Whole = 0

    def measures(self) -> Iterable[str]:
        """What it was told to."""
        return self.metrics

    def run(self, work: Workspace) -> EvalReport:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Perplexity(Stage[EvalReport]):
    """How surprised a model is by text that it did not learn from."""

    model: Ref[CausalModel]
    text: Ref[Corpus] = held_out()

    def run(self, work: Workspace) -> EvalReport:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Serve(Stage[ServerSpec]):
    """A server."""

    model: Ref[CausalModel | QuantizedModel]

    def run(self, work: Workspace) -> ServerSpec:
        """An example declares, and nothing else."""
        raise NotImplementedError


@attrs.frozen
class Tried:
    """An example as it was compiled: its whole text, the folder of its file, and what was said about it."""

    text: str
    folder: str
    diagnostics: tuple[Diagnostic, ...]


def module(snippet: str) -> str:
    """The whole module that an example stands for."""
    text = f"from pipeline_dsl import *\nfrom {__name__} import *\n\n{snippet.rstrip()}\n"
    if re.search(r"\bPipeline\(", snippet):
        return text
    return f"{text}pipeline = Pipeline(name='example', targets=[{', '.join(_unused(snippet))}])\n"


def try_out(snippet: str) -> Tried:
    """Compile an example in a file of its own, `example.py`, that is gone afterwards."""
    text = module(snippet)
    shadowed, path = sys.modules.pop("example", None), list(sys.path)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "example.py")
        file.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        try:
            return Tried(text, folder, compile_target(str(file)).diagnostics)
        finally:
            sys.path[:] = path
            sys.modules.pop("example", None)
            if shadowed:
                sys.modules["example"] = shadowed


def _unused(snippet: str) -> list[str]:
    """The names that an example gives to something and uses nowhere; the last one if it uses all."""
    try:
        tree = ast.parse(snippet)
    except SyntaxError:  # which is what the example is there to show
        return []
    given = [target.id for line in tree.body if isinstance(line, ast.Assign) for target in line.targets if isinstance(target, ast.Name)]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return [name for name in given if name not in used] or given[-1:]
