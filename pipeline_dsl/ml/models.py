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
    """A model of transformers with fresh weights: normal with standard deviation `spread`, norms at one.

    Which class depends on the shape: `Llama` without experts; `Mixtral` where every layer has experts and nothing else; with
    shared experts or dense first layers `Ernie4_5_Moe`, the one that has both, grouped queries, no gate on shared experts
    and a balancing loss. All of them take the softmax over the router's scores and let those of the picked experts sum to one.

    `special` holds `bos`, `eos` and `pad` token ids, as far as the tokenizer has them. Where ZeRO-3 is configured before, no
    process ever holds the whole model: `from_config` divides each weight as soon as it is made, and draws others than
    without from the same seed.
    """
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    kind, experts = _experts(shape)
    config = getattr(transformers, kind)(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head,
        vocab_size=shape.vocabulary,
        max_position_embeddings=shape.context,
        tie_word_embeddings=shape.tied,
        initializer_range=spread,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        **experts,
        **{f"{name}_token_id": special.get(name) for name in ("bos", "eos", "pad")},
    )
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="sdpa")
    if shape.experts is not None:
        _draw_routers(model, spread)
        balance(model)
    return model


def _experts(shape: Llama) -> tuple[str, dict[str, Any]]:
    """(the class of the configuration, how it calls what is particular to the feed-forward part)."""
    experts = shape.experts
    if experts is None:
        return "LlamaConfig", {"intermediate_size": shape.ffn}
    if not experts.shared and not experts.dense:
        return "MixtralConfig", {
            "intermediate_size": experts.ffn,
            "num_local_experts": experts.count,
            "num_experts_per_tok": experts.active,
            "router_aux_loss_coef": experts.balance,
        }
    return "Ernie4_5_MoeConfig", {
        "intermediate_size": shape.ffn,
        "moe_intermediate_size": experts.ffn,
        "moe_num_experts": experts.count,
        "moe_k": experts.active,
        "moe_num_shared_experts": experts.shared,
        "moe_layer_start_index": experts.dense,
        "router_aux_loss_coef": experts.balance,
        "use_bias": False,
    }


def _draw_routers(model: Any, spread: float) -> None:
    """Give routers weights of their own: Ernie's begin at zero, where all experts are equal and the first ones always win."""
    torch: Any = import_module("torch")
    for name, parameter in model.named_parameters():
        if not name.endswith(".gate.weight"):
            continue
        if hasattr(parameter, "ds_id"):  # ZeRO-3 divided it as it was made
            with import_module("deepspeed").zero.GatheredParameters([parameter], modifier_rank=0):
                torch.nn.init.normal_(parameter, std=spread)
        else:
            torch.nn.init.normal_(parameter, std=spread)


def balance(model: Any, *, wanted: bool = True) -> None:
    """Have a model with experts add the balancing loss to its own while it trains, or leave it out."""
    if getattr(model.config, "router_aux_loss_coef", 0):
        model.config.output_router_logits = wanted


def save(model: Any, state: Mapping[str, Any], folder: Path) -> None:
    """Write `config.json` and `model.safetensors`; `state` are the weights, gathered from all ranks."""
    kept = dict(state)
    if model.config.tie_word_embeddings:
        kept.pop("lm_head.weight", None)  # gathering made a second copy of what is one matrix
    model.config.use_cache = True
    balance(model, wanted=False)  # what only reads the model is told of no loss but its own
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
