"""What published recipes start from: data sets, models, tokenizers and suites of the Hub, each pinned by its revision.

A revision here is one digit forty times, so that nobody takes it for a real one; sizes and licences are the published ones.
"""

from typing import ClassVar

from pipeline_dsl import (
    CPU_CORE,
    Chats,
    Checkpoint,
    Corpus,
    Count,
    EvalSuite,
    Hardware,
    Llama,
    Preferences,
    Prompts,
    Ref,
    SftModel,
    Size,
    Sizes,
    Stage,
    Tokenizer,
    Workspace,
)
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.stages import Pretrain, Task


class HubText(Stage[Corpus]):
    """Documents of a data set, cleaned and deduplicated by those who published it."""

    repository: str
    revision: str
    licence: str
    tokens: Count
    part: str = "train"

    def holds_evaluation_data(self) -> bool:
        return self.part == "test"

    def size(self, sizes: Sizes) -> Size:
        return Size(tokens=Tokens(self.tokens))

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


class HubTokenizer(Stage[Tokenizer]):
    """A tokenizer that somebody published."""

    repository: str
    revision: str
    vocabulary: Count

    def run(self, work: Workspace) -> Tokenizer:
        raise NotImplementedError


class HubModel(Stage[Checkpoint]):
    """A base model that somebody published."""

    repository: str
    revision: str
    licence: str
    model: Llama

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model)

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


class HubInstruct(Stage[SftModel]):
    """A model that somebody taught to answer, and published."""

    repository: str
    revision: str
    licence: str
    model: Llama

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model)

    def run(self, work: Workspace) -> SftModel:
        raise NotImplementedError


class HubChats(Stage[Chats]):
    """Conversations of a data set."""

    repository: str
    revision: str
    licence: str
    examples: Count

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class HubPairs(Stage[Preferences]):
    """Pairs of answers, of which one was preferred."""

    repository: str
    revision: str
    licence: str
    examples: Count
    part: str = "train"

    def holds_evaluation_data(self) -> bool:
        return self.part == "test"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> Preferences:
        raise NotImplementedError


class HubPrompts(Stage[Prompts]):
    """Questions without answers."""

    repository: str
    revision: str
    licence: str
    examples: Count
    part: str = "train"

    def holds_evaluation_data(self) -> bool:
        return self.part == "test"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> Prompts:
        raise NotImplementedError


class Harness(Stage[EvalSuite]):
    """Tasks of the evaluation harness, at one commit of it."""

    evaluation = True

    revision: str
    tasks: tuple[str, ...]
    examples: Count
    """Documents of all tasks together."""

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.examples)

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


class MegatronPretrain(Pretrain):
    """Pre-training on an engine that divides a model by matrices, layers, rows and experts, as those of Megatron do."""

    dimensions: ClassVar[tuple[str, ...]] = ("tensor", "pipeline", "context", "expert", "sequence")


class ContinuePretrain(Pretrain):
    """Pre-training that starts from published weights, in which `model` may see further than they did."""

    base: Ref[Checkpoint]


def commit(digit: str) -> str:
    """A revision of forty equal digits."""
    return digit * 40


cores = Hardware(device=CPU_CORE, count=64, nodes=16)
"""Where weights are added up that no card holds."""

leaderboard = Harness(
    revision=commit("e"),
    tasks=("arc_challenge", "hellaswag", "mmlu", "truthfulqa_mc2", "winogrande", "gsm8k"),
    examples=1_172 + 10_042 + 14_042 + 817 + 1_267 + 1_319,
)
"""The six tasks of the Open LLM Leaderboard (Beeching et al., 2023), with the documents of their evaluation parts."""

OPEN_LLM = (
    Task(name="arc_challenge", source="acc_norm", shots=25),
    Task(name="hellaswag", source="acc_norm", shots=10),
    Task(name="mmlu", shots=5),
    Task(name="truthfulqa_mc2"),
    Task(name="winogrande", shots=5),
    Task(name="gsm8k", source="exact_match,strict-match", shots=5),
)
"""How the leaderboard asks them."""

red_team = Harness(revision=commit("f"), tasks=("harmbench", "xstest"), examples=400 + 250)
"""HarmBench (Mazeika et al., 2024, arXiv:2402.04249) and the safe questions of XSTest (Röttger et al., 2023, arXiv:2308.01263)."""

SAFETY = (
    Task(
        name="harmbench",
        metric="safety_violation_rate",
        source="exact_match",
        unit="fraction",
        better="lower",
        family="safety",
        chat=True,
    ),
    Task(name="xstest", metric="safety_refusal_rate", source="exact_match", unit="fraction", better="lower", family="safety", chat=True),
)
