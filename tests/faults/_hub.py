"""Data and models that others published, each under its licence, for the faulty pipelines beside this file."""

from pipeline_dsl import (
    Budget,
    Checkpoint,
    Corpus,
    Count,
    Chats,
    EvalReport,
    EvalSuite,
    Llama,
    Preferences,
    Prompts,
    Ref,
    Release,
    SftModel,
    Size,
    Sizes,
    Stage,
    Workspace,
    baseline,
    metric,
)
from pipeline_dsl.stages import Evaluate, Serve

from _parts import SEVEN, TASKS, Questions, Sft, asked


class Weights(Stage[Checkpoint]):
    """A published base model."""

    licence: str
    model: Llama = SEVEN

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model)

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


class Told(Stage[Chats]):
    """Published conversations."""

    repository: str
    licence: str
    examples: Count = 52_000
    personal: bool = False

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Compared(Stage[Preferences]):
    """Published comparisons."""

    licence: str

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=60_000)

    def run(self, work: Workspace) -> Preferences:
        raise NotImplementedError


class Asked(Stage[Prompts]):
    """Published questions."""

    licence: str = "MIT"

    def run(self, work: Workspace) -> Prompts:
        raise NotImplementedError


class Answered(Stage[Chats]):
    """What a model answers to questions."""

    model: Ref[SftModel]
    prompts: Ref[Prompts | EvalSuite]

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=50_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Mixed(Stage[Chats]):
    """Several sets of conversations as one."""

    parts: tuple[Ref[Chats], ...]

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=100_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Published(Stage[Corpus]):
    """A published corpus."""

    licence: str = "ODC-By-1.0"
    year: int = 2024

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


class Best(Stage[SftModel]):
    """The model of the highest score."""

    models: tuple[Ref[SftModel], ...]
    reports: tuple[Ref[EvalReport], ...]

    def size(self, sizes: Sizes) -> Size:
        return Size(model=SEVEN)

    def run(self, work: Workspace) -> SftModel:
        raise NotImplementedError


class Few(Stage[EvalSuite]):
    """A suite of a declared number of questions."""

    evaluation = True

    examples: Count

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


mistral = Weights(licence="Apache-2.0")
suite = Questions()
GATES = (metric("mmlu") >= baseline, metric("safety_violation_rate") <= 0.05, metric("cost_total_usd") <= 50_000)
BASELINE = Release(manifest="releases/1.0.0/manifest.yaml")
BUDGET = Budget(usd=50_000)
__all__ = ["TASKS", "Evaluate", "Serve", "Sft", "asked"]
