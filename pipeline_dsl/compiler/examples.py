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
from typing import Any, ClassVar

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.flops import six_nd
from pipeline_dsl.base.units import Seconds, Tokens
from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.lang.architecture import Experts, Llama
from pipeline_dsl.lang.artifacts import (
    CausalModel,
    Chats,
    Checkpoint,
    Corpus,
    Dataset,
    EvalReport,
    EvalSuite,
    Policy,
    QuantizedModel,
    RewardModel,
    ServerSpec,
    SftAdapter,
    SftModel,
    Tokenizer,
)
from pipeline_dsl.lang.fields import Count, NonNegative, Whole, execution, held_out
from pipeline_dsl.lang.gate import baseline, metric
from pipeline_dsl.lang.label import Division, Kind
from pipeline_dsl.lang.parallel import Parallel
from pipeline_dsl.lang.placement import Attention, Offload, Placement, Recompute, ServingPlacement, TrainingPlacement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

__all__ = [
    "Adapt",
    "Crawl",
    "Deduplicate",
    "Dpo",
    "Evaluate",
    "GATES",
    "Heldout",
    "Host",
    "MIXED",
    "Merge",
    "Part",
    "Redact",
    "MergeAdapter",
    "Perplexity",
    "Pretrain",
    "Quantize",
    "Reward",
    "Serve",
    "Rows",
    "Sft",
    "Suite",
    "Talk",
    "Tokenize",
    "Train",
    "Vocabulary",
]

SMALL = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
"""Seven billion parameters, so that an example can cost something."""

MIXED = Llama(
    hidden=2048,
    layers=16,
    heads=16,
    kv_heads=16,
    ffn=1024,
    vocabulary=50_304,
    context=4096,
    experts=Experts(count=64, active=8, ffn=1024),
)
"""Seven billion parameters in experts, one billion of them for each token."""

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
    licence: str | None = None
    personal: bool = False
    url: str | None = None
    revision: str | None = None

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Heldout(Stage[Corpus]):
    """Documents to evaluate on."""

    evaluation = True

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Part(Stage[Corpus]):
    """A part of a corpus."""

    corpus: Ref[Corpus]
    part: str
    salt: str = ""

    def holds_evaluation_data(self) -> bool:
        """All but what is learnt from."""
        return self.part != "train"

    def division(self) -> Division:
        """Which part of what, by which rule."""
        return Division(self.corpus, self.part, self.salt)

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Redact(Stage[Corpus]):
    """Documents without what tells about people."""

    corpus: Ref[Corpus]

    def clears(self) -> tuple[Kind, ...]:
        """That."""
        return ("personal",)

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Merge(Stage[Corpus]):
    """Several corpora as one."""

    corpora: tuple[Ref[Corpus], ...]

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Deduplicate(Stage[Corpus]):
    """Documents that are there once."""

    deduplicates = True

    corpus: Ref[Corpus]

    def run(self, work: Workspace) -> Corpus:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Vocabulary(Stage[Tokenizer]):
    """A tokenizer of its own."""

    special_tokens = ("<eos>", "<|user|>", "<|assistant|>")

    corpus: Ref[Corpus]
    vocabulary: Count = 32_000

    def run(self, work: Workspace) -> Tokenizer:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Talk(Stage[Chats]):
    """Conversations."""

    part: str = "train"

    def holds_evaluation_data(self) -> bool:
        """Whether they are kept for measuring."""
        return self.part == "test"

    def run(self, work: Workspace) -> Chats:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Suite(Stage[EvalSuite]):
    """Questions of two benchmarks."""

    evaluation = True

    tasks: tuple[str, ...] = ("mmlu", "gsm8k")
    examples: Count | None = None

    def size(self, sizes: Sizes) -> Size:
        """As many as were written down."""
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> EvalSuite:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Tokenize(Stage[Dataset]):
    """Token ids."""

    corpus: Ref[Corpus]
    tokenizer: Ref[Tokenizer] | None = None
    length: Count = 1024

    def run(self, work: Workspace) -> Dataset:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Pretrain(Stage[Checkpoint]):
    """A base model of seven billion parameters."""

    data: Ref[Dataset]
    validation: Ref[Dataset] | None = held_out(default=None)
    tokenizer: Ref[Tokenizer] | None = None
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


class Rows(Stage[Dataset]):
    """Token ids, counted."""

    tokens: Count

    def size(self, sizes: Sizes) -> Size:
        """As many as were declared."""
        return Size(tokens=Tokens(self.tokens), examples=self.tokens // 4096 or 1)

    def run(self, work: Workspace) -> Dataset:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Train(Stage[Checkpoint]):
    """A base model, with how it lies on its devices, by an engine that divides it in every way."""

    dimensions: ClassVar[tuple[str, ...]] = ("tensor", "pipeline", "context", "expert", "sequence")

    data: Ref[Dataset]
    model: Llama = SMALL
    length: Count = 4096
    tokens: Count = 1_000_000_000_000
    steps: Count | None = None
    warmup_steps: Whole = 0
    batch: Count = 1024
    micro_batch: Count = 1
    learning_rate: NonNegative = 3e-4
    precision: str = "bf16"
    zero_stage: Whole = 3
    offload: Offload = "none"
    recompute: Recompute = "full"
    attention: Attention = "sdpa"
    parallel: Parallel = Parallel()
    processes: Count = 8
    save_every: Whole = execution(default=100)

    def size(self, sizes: Sizes) -> Size:
        """What `tokens` of training give."""
        return Size(model=self.model, tokens=Tokens(self.tokens))

    def cost(self, sizes: Sizes) -> Work:
        """Six operations a parameter and a token."""
        return Work(flops=six_nd(self.model.parameters, Tokens(self.tokens)))

    def placement(self, sizes: Sizes) -> Placement | None:
        """As it is declared."""
        return TrainingPlacement(
            model=self.model,
            processes=self.processes,
            rows=self.micro_batch,
            length=self.length,
            batch=self.batch,
            micro_batch=self.micro_batch,
            zero_stage=self.zero_stage,
            precision=self.precision,
            offload=self.offload,
            recompute=self.recompute,
            attention=self.attention,
            parallel=self.parallel,
        )

    def run(self, work: Workspace) -> Checkpoint:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Host(Stage[EvalReport]):
    """How fast a server answers, with the room that its cache has."""

    model: Ref[CausalModel | QuantizedModel]
    blocks: Count = 512
    block: Count = 256
    prompt_limit: Count = 2048
    output_limit: Count = 512

    def placement(self, sizes: Sizes) -> Placement | None:
        """As it is declared."""
        shape = sizes[self.model].model
        return None if shape is None else ServingPlacement(model=shape, rows=self.blocks, length=self.block)

    def run(self, work: Workspace) -> EvalReport:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Sft(Stage[SftModel]):
    """A model that answers."""

    base: Ref[Checkpoint]
    data: Ref[Chats] | None = None
    chat_template: str | None = None
    max_length: Count = 1024

    def size(self, sizes: Sizes) -> Size:
        """As large as before."""
        return sizes[self.base]

    def run(self, work: Workspace) -> SftModel:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Adapt(Stage[SftAdapter]):
    """Low-rank matrices beside a base model."""

    base: Ref[Checkpoint]

    def run(self, work: Workspace) -> SftAdapter:
        """An example declares, and nothing else."""
        raise NotImplementedError


class MergeAdapter(Stage[SftModel]):
    """A base model with an adapter in it."""

    base: Ref[Checkpoint]
    adapter: Ref[SftAdapter]

    def run(self, work: Workspace) -> SftModel:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Reward(Stage[RewardModel]):
    """A model that scores answers."""

    base: Ref[SftModel]

    def run(self, work: Workspace) -> RewardModel:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Dpo(Stage[Policy]):
    """A policy."""

    aligns = True

    policy: Ref[SftModel]
    reference: Ref[CausalModel] | None = None
    reward: Ref[RewardModel] | None = None
    kl_budget: NonNegative | None = execution(default=None)

    def measures(self) -> Iterable[str]:
        """How far it went."""
        return ("kl_from_reference",)

    def run(self, work: Workspace) -> Policy:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Quantize(Stage[QuantizedModel]):
    """Few bits."""

    model: Ref[CausalModel]
    calibration: Ref[Chats] | None = None
    runtime: str = "compressed-tensors"

    def run(self, work: Workspace) -> QuantizedModel:
        """An example declares, and nothing else."""
        raise NotImplementedError


class Evaluate(Stage[EvalReport]):
    """The scores of a model."""

    model: Ref[CausalModel | QuantizedModel]
    metrics: tuple[str, ...] = ("mmlu", "safety_refusal_rate")
    suite: Ref[EvalSuite] | None = held_out(default=None)
    tasks: tuple[str, ...] = ()
    shots: Whole = 0
    chat: bool = False

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

    runtimes = ("compressed-tensors",)

    model: Ref[CausalModel | QuantizedModel]
    draft: Ref[CausalModel] | None = None

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
