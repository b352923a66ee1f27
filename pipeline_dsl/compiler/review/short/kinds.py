"""The kinds of stages, and how the name of a stage says which it is."""

import re

import attrs


@attrs.frozen
class Kind:
    """What stages of a kind make and read; `words` are the parts of a name by which one is known."""

    produces: str
    reads: tuple[str, ...]
    words: tuple[str, ...]


KINDS = {
    "tokenizer": Kind("Tokenizer", ("Source", "Corpus", "Dataset", "Tokenizer"), ("tokenizer", "tokeniser", "vocab", "vocabulary", "bpe")),
    "quantize": Kind(
        "QuantizedModel",
        ("CausalModel", "EvalReport"),
        ("quantize", "quantized", "quantization", "quantisation", "quant", "awq", "gptq", "fp8", "int8", "int4"),
    ),
    "evaluate": Kind(
        "EvalReport",
        ("CausalModel", "QuantizedModel", "RewardModel", "EvalSuite", "Dataset", "EvalReport"),
        ("eval", "evals", "evaluate", "evaluation", "benchmark", "benchmarks"),
    ),
    "serve": Kind(
        "ServerSpec", ("QuantizedModel", "CausalModel", "EvalReport"), ("serve", "server", "serving", "inference", "deploy", "deployment")
    ),
    "reward": Kind("RewardModel", ("SftModel", "Checkpoint", "Dataset", "Preferences", "Chats"), ("reward", "rm", "reward_model")),
    "align": Kind(
        "Policy",
        ("SftModel", "Policy", "RewardModel", "Dataset", "Preferences", "Prompts", "Chats"),
        (
            *("dpo", "ppo", "rlhf", "rlaif", "grpo", "kto", "ipo", "orpo", "simpo", "cai", "constitutional", "align", "alignment"),
            *("policy", "preference", "preferences", "rl"),
        ),
    ),
    "sft": Kind(
        "SftModel",
        ("Checkpoint", "Dataset", "Chats", "Tokenizer"),
        ("sft", "instruct", "instruction", "finetune", "finetuning", "tune", "lora", "qlora", "distill", "distillation"),
    ),
    "pretrain": Kind(
        "Checkpoint",
        ("Dataset", "Tokenizer", "Checkpoint", "Corpus", "ScalingLaw"),
        (
            "pretrain",
            "pretraining",
            "pre",
            "base",
            "scaling",
            "scale",
            "midtrain",
            "midtraining",
            "annealing",
            "training",
            "train",
            "checkpoint",
        ),
    ),
    "data": Kind(
        "Dataset",
        ("Source", "Corpus", "Dataset", "Tokenizer"),
        (
            "data",
            "dataset",
            "corpus",
            "corpora",
            "tokenize",
            "tokenized",
            "ingest",
            "shards",
            "dedup",
            "deduplicate",
            "clean",
            "cleaning",
            "decontaminate",
            "decontamination",
            "filter",
            "filtering",
            "mix",
            "packing",
        ),
    ),
}
"""The kinds, in the order in which a name is tried: `reward_data` is no data stage's usual name, `eval_data` is no evaluation's."""

_NUMBER = re.compile(r"^(?:stage[_-]?)?\d+[a-z]?[_-]").sub


def known(said: str) -> str | None:
    """The kind that a name, or what a stage is said to be, tells; None if it tells none."""
    words = words_of(said)
    if re.search(
        r"(?:^|[_\s-])(?:data|dataset|datasets|corpus|shards|mix|mixture|prompts|pairs|tokenization|tokenisation)\d*$", said.lower()
    ):
        return "data"
    for kind, usual in KINDS.items():
        if words & {*usual.words, kind}:
            if kind == "evaluate" and words & {"data", "dataset", "set", "corpus", "suite"}:
                continue
            return kind
    return None


def unnumbered(name: str) -> str:
    """The name of a stage without its place: `tokenizer` of `01_tokenizer`."""
    return _NUMBER("", name)


def words_of(text: str) -> set[str]:
    """The words of a name, with and without the digits in them."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text).lower()
    return {*re.split(r"[^a-z0-9]+", plain), *re.split(r"[^a-z]+", plain)} - {""}
