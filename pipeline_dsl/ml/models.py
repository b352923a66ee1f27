"""A language model from its declared shape, and back to files."""

import json
import shutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from pipeline_dsl.base.fault import WrongArtifact
from pipeline_dsl.lang.architecture import Llama

_TOKENIZER_FILES = ("tokenizer*", "special_tokens_map.json", "chat_template*", "vocab.json", "merges.txt")


def llama(shape: Llama, *, seed: int, special: Mapping[str, int], spread: float) -> Any:
    """A `LlamaForCausalLM` with fresh weights: normal with standard deviation `spread`, norms at one.

    `special` holds `bos`, `eos` and `pad` token ids, as far as the tokenizer has them. Where ZeRO-3 is configured before, no
    process ever holds the whole model: `from_config` divides each weight as soon as it is made, and draws others than
    without from the same seed.
    """
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    config = transformers.LlamaConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.ffn,
        vocab_size=shape.vocabulary,
        max_position_embeddings=shape.context,
        tie_word_embeddings=shape.tied,
        initializer_range=spread,
        **{f"{name}_token_id": special.get(name) for name in ("bos", "eos", "pad")},
    )
    torch.manual_seed(seed)
    return transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="sdpa")


def save(model: Any, state: Mapping[str, Any], folder: Path) -> None:
    """Write `config.json` and `model.safetensors`; `state` are the weights, gathered from all ranks."""
    kept = dict(state)
    if model.config.tie_word_embeddings:
        kept.pop("lm_head.weight", None)  # gathering made a second copy of what is one matrix
    model.config.use_cache = True
    model.save_pretrained(folder, state_dict=kept, max_shard_size="2GB")


def special_tokens(tokenizer: Path) -> dict[str, int]:
    """The ids of `bos`, `eos` and `pad` in a tokenizer's folder, as far as it names them.

    Raises: WrongArtifact if it names a token that it does not have.
    """
    config = json.loads((tokenizer / "tokenizer_config.json").read_text(encoding="utf-8"))
    added = json.loads((tokenizer / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    ids = {entry["content"]: int(entry["id"]) for entry in added}
    found: dict[str, int] = {}
    for name in ("bos", "eos", "pad"):
        text: Any = config.get(f"{name}_token")
        if isinstance(text, dict):
            text = cast("dict[str, Any]", text)["content"]
        if text is None:
            continue
        if text not in ids:
            raise WrongArtifact(f"the tokenizer calls `{text}` its {name} token, and has no such token")
        found[name] = ids[text]
    return found


def copy_tokenizer(source: Path, target: Path) -> None:
    """Put a tokenizer's files beside a model's, as `from_pretrained` looks for them."""
    for pattern in _TOKENIZER_FILES:
        for file in source.glob(pattern):
            shutil.copyfile(file, target / file.name)
