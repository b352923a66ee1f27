"""The artifacts of an LLM pipeline, in the order in which they are made.

Base, SFT, reward, policy and quantized models are different types: none of them can stand in for another, so the output
of preference training cannot enter supervised fine-tuning.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline_dsl.base.units import Nats, Tokens
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.measure import Divergence, Score


class Source(Artifact):
    """Files as somebody published them, with their licence."""

    files = ("**/*",)

    origin: str
    licence: str
    digest: str


class Corpus(Artifact):
    """Documents, one JSON object a line: `id`, `text`, and what is known about them."""

    files = ("*.jsonl",)
    becomes = {"Dataset": "Tokenize", "Tokenizer": "TrainTokenizer"}

    documents: int
    characters: int
    licences: tuple[str, ...] = ()
    counts: Mapping[str, int] = {}
    """What the stage counted on the way: documents dropped by each filter, duplicates found, and so on."""


class Tokenizer(Artifact):
    """A byte-level BPE vocabulary that transformers loads."""

    files = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")

    vocabulary: int
    characters_per_token: float


class Dataset(Artifact):
    """Token ids packed into rows of one length, in shards that the `datasets` library loads."""

    files = ("*.parquet",)

    rows: int
    length: int
    tokens: Tokens
    documents: int
    duplicates: int = 0
    """Documents that deduplication dropped on the way here."""
    unigram_entropy: Nats
    """Entropy of the token distribution, nats a token: what a model that ignores context reaches at best."""

    @property
    def scores(self) -> Mapping[str, Score]:
        return {"unigram_entropy": Score(value=self.unigram_entropy)}


class Chats(Artifact):
    """Conversations, one JSON object a line: `messages`, a list of `role` and `content`."""

    files = ("*.jsonl",)

    conversations: int


class Preferences(Artifact):
    """Pairs of answers, one JSON object a line: `prompt`, `chosen`, `rejected`, each a list of messages."""

    files = ("*.jsonl",)

    pairs: int


class Prompts(Artifact):
    """Questions without answers, one JSON object a line: `prompt`, a list of messages."""

    files = ("*.jsonl",)

    prompts: int


class Exercises(Prompts):
    """Questions whose answer a program can check, one JSON object a line: `prompt`, a list of messages, and `answer`, a text."""


class EvalSuite(Artifact):
    """Task files of lm-eval with the documents that they read."""

    files = ("*.yaml", "*.jsonl")

    tasks: tuple[str, ...]
    examples: Mapping[str, int]


class ScalingLaw(Artifact):
    """A loss curve fitted to small runs, and what it predicts for the next size."""

    files = ("runs.json",)

    irreducible: float
    coefficient: float
    exponent: float
    predicted_loss: float
    predicted_at: int
    """Non-embedding parameters at which `predicted_loss` is predicted."""


class Weights(Artifact):
    """Any trained model: weights in safetensors beside a `config.json` and its tokenizer."""

    files = ("*.safetensors", "config.json", "tokenizer.json")

    parameters: int

    @classmethod
    def check(cls, directory: Path) -> Iterator[str]:
        yield from super().check(directory)
        for file in sorted(directory.glob("*.safetensors")):
            yield from safetensors_faults(file)


class CausalModel(Weights):
    """Weights that predict the next token."""


class Checkpoint(CausalModel):
    """A base model: pre-trained, not yet taught to answer."""

    becomes = {"SftModel": "Sft", "SftAdapter": "LoraSft"}

    steps: int
    tokens: Tokens
    validation_loss: float | None
    """Cross-entropy on held-out text, nats a token; None where somebody else trained it and nobody measured."""
    loss_curve: tuple[tuple[int, float], ...] = ()
    """(step, validation loss) at each validation."""

    @property
    def scores(self) -> Mapping[str, Score]:
        return {} if self.validation_loss is None else {"validation_loss": Score(value=self.validation_loss)}


class SftModel(CausalModel):
    """A model that answers: supervised fine-tuning of a base model."""

    becomes = {"Policy": "Dpo", "RewardModel": "TrainReward", "PolicyAdapter": "LoraDpo"}

    recipe: str
    examples: int
    loss: float


class RewardModel(Weights):
    """A model that scores answers. It predicts no token, so nothing can be sampled from it."""

    preferences: str
    """Digest of the preference data that it was trained on."""
    accuracy: Score
    """Held-out pairs that it ranks as people did, percent."""

    @property
    def scores(self) -> Mapping[str, Score]:
        return {"reward_accuracy": self.accuracy}


STAGE_KL = "kl_from_stage_reference"
"""The score by which a policy is held to its own stage's `kl_budget`."""


class Aligned(Artifact):
    """What preference training made, with how far it moved from the model that it started as."""

    reference: str
    """Digest of the reference model."""
    beta: float
    kl: Divergence
    """Measured against the stage's reference."""
    kl_from_first: Divergence
    """Measured against the first reference: divergences of successive stages do not add up."""
    figures: Mapping[str, Score] = {}
    """What else the stage measured on held-out data, by name."""

    @property
    def scores(self) -> Mapping[str, Score]:
        return {"kl_from_reference": self.kl_from_first.per_sequence, STAGE_KL: self.kl.per_sequence, **self.figures}


class Policy(CausalModel, Aligned):
    """A whole model after preference training."""

    becomes = {"QuantizedModel": "Quantize"}


class Adapter(Artifact):
    """Low-rank matrices that were trained beside a model and mean nothing without it: no model yet, and not to be served as one."""

    files = ("adapter_model.safetensors", "adapter_config.json")

    base: str
    """Digest of the model that it was trained on, and can be merged into."""
    rank: int
    alpha: float
    targets: tuple[str, ...]
    """Names of the matrices that it changes."""
    held: str
    """How the base was held meanwhile: `bf16` for whole weights, `nf4` for 4-bit ones."""
    parameters: int
    """Of the adapter alone."""

    @classmethod
    def check(cls, directory: Path) -> Iterator[str]:
        yield from super().check(directory)
        weights, config = directory / "adapter_model.safetensors", directory / "adapter_config.json"
        if weights.is_file() and config.is_file():
            faults = list(safetensors_faults(weights))
            yield from faults or adapter_faults(weights, config)


class SftAdapter(Adapter):
    """An adapter that turns a base model into one that answers."""

    becomes = {"SftModel": "MergeSft", "CausalModel": "MergeSft", "Weights": "MergeSft"}

    recipe: str
    examples: int
    loss: float


class PolicyAdapter(Adapter, Aligned):
    """An adapter that turns an SFT model into a policy. Its divergence is that of the merged policy."""

    becomes = {"Policy": "MergePolicy", "CausalModel": "MergePolicy", "Weights": "MergePolicy"}


class EvalReport(Artifact):
    """Scores of one model on an evaluation suite, as lm-eval wrote them."""

    files = ("results.json",)

    model: str
    """Digest of the model."""
    suite: str
    """Digest of the evaluation data."""
    results: Mapping[str, Score]

    @property
    def scores(self) -> Mapping[str, Score]:
        return self.results


class ContaminationReport(Artifact):
    """How many items of evaluation data are in training data, and for each of them where. Shares are in percent of items."""

    files = ("report.json", "hits.jsonl")

    items: int
    """That were looked for."""
    unrecognizable: int
    """That are too short to be recognized, and are no part of any share."""
    share: Score
    exact: Score
    """Of which a whole text is in the training data."""
    ngram: Score
    """Of which a part is."""
    worst: str
    """The set with the largest share."""
    sets: Mapping[str, Score]
    characters: int
    """Of training data that was looked through."""

    @property
    def scores(self) -> Mapping[str, Score]:
        return {
            "contamination": self.share,
            "contamination_exact": self.exact,
            "contamination_ngram": self.ngram,
            "contamination_worst": self.sets[self.worst],
        }


class QuantizedModel(Artifact):
    """Weights in few bits, with what that cost against the 16-bit model."""

    files = ("*.safetensors", "config.json", "tokenizer.json")
    becomes = {"ServerSpec": "Serve"}

    method: str
    bits: int
    group: int
    runtime: str
    """What loads it: `compressed-tensors` (transformers, on any CPU) or `tensorrt-llm` (a GPU)."""
    source: str
    """Digest of the 16-bit model."""
    calibration: str
    """Digest of the calibration data."""
    accuracy_delta: Score
    """Accuracy less that of the 16-bit model, percentage points."""
    kl: Score
    """Mean KL(16-bit || quantized) a token, nats."""
    size: int
    """Bytes of weights; the 16-bit model has `source_size`."""
    source_size: int

    @property
    def scores(self) -> Mapping[str, Score]:
        return {"quantization_accuracy_delta": self.accuracy_delta, "quantization_kl": self.kl}

    @classmethod
    def check(cls, directory: Path) -> Iterator[str]:
        yield from super().check(directory)
        for file in sorted(directory.glob("*.safetensors")):
            yield from safetensors_faults(file)


class ServerSpec(Artifact):
    """How a model is served, and what a short load on the real server showed."""

    files = ("server.json", "load.json")

    model: str
    """Digest of the served model."""
    engine: str
    endpoint: str
    requests: int
    tokens_per_second: float
    latency_p50: float
    """Seconds a request."""
    latency_p95: float
    metrics_path: str = "/metrics"

    @property
    def scores(self) -> Mapping[str, Score]:
        return {
            "server_tokens_per_second": Score(value=self.tokens_per_second, samples=self.requests),
            "server_latency_p95_seconds": Score(value=self.latency_p95, samples=self.requests),
        }


def adapter_faults(weights: Path, config: Path) -> Iterator[str]:
    """What an adapter's matrices do not have of what its configuration says: a pair of the declared rank for each target."""
    try:
        said = json.loads(config.read_text(encoding="utf-8"))
        rank, targets = int(said["r"]), set(said["target_modules"])
    except (ValueError, KeyError, TypeError) as error:
        yield f"`{config.name}` does not say rank and targets: {error}"
        return
    with weights.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    shapes = {name.removesuffix(".weight"): entry["shape"] for name, entry in header.items() if name != "__metadata__"}
    down = {name.removesuffix(".lora_A"): shape for name, shape in shapes.items() if name.endswith(".lora_A")}
    up = {name.removesuffix(".lora_B"): shape for name, shape in shapes.items() if name.endswith(".lora_B")}
    for name in sorted(down.keys() ^ up.keys()):
        yield f"`{name}` has one of its two matrices"
    for name in sorted(down.keys() & up.keys()):
        if down[name][0] != rank or up[name][1] != rank:
            yield f"`{name}` has rank {down[name][0]}, the configuration says {rank}"
    for target in sorted(targets - {name.rpartition(".")[2] for name in down}):
        yield f"no matrix of `{target}` is adapted"


def safetensors_faults(file: Path) -> Iterator[str]:
    """What is wrong with a safetensors file's header against its length, without loading a tensor.

    Source: the safetensors format, 8 bytes of little-endian header length, a JSON header, then the data it gives offsets into.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, 100_000_000):
            yield f"`{file.name}` is cut short: its header does not fit the file"
            return
        try:
            header = json.loads(stream.read(length))
            end = max((int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"), default=0)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            yield f"`{file.name}` has no readable safetensors header: {error}"
            return
    if 8 + length + end != size:
        yield f"`{file.name}` is {size} bytes, its header describes {8 + length + end}"
