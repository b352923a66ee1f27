"""A model to start from that differs from an artifact in its settings, and shares its weights."""

import json
from pathlib import Path
from typing import Any

from pipeline_dsl.lang.rope import RopeScaling

_WRITTEN = ("config.json", "tokenizer_config.json", "chat_template.jinja")


def start_from(base: Path, folder: Path, *, chat_template: str | None = None, rope: RopeScaling | None = None) -> Path:
    """A folder that transformers loads as the model in `base`, with another chat template or a longer context.

    Weights and vocabulary are links; `base` itself where nothing changes. `folder` may be left from a killed attempt.
    """
    if chat_template is None and rope is None:
        return base
    folder.mkdir(parents=True, exist_ok=True)
    for file in base.iterdir():
        link = folder / file.name
        if file.name not in _WRITTEN and not link.exists():
            link.symlink_to(file.resolve())
    config: dict[str, Any] = json.loads((base / "config.json").read_text(encoding="utf-8"))
    if rope is not None:
        _stretch(config, rope)
    tokens: dict[str, Any] = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    template = chat_template
    if template is not None:
        tokens.pop("chat_template", None)  # an older place for it
    elif (base / "chat_template.jinja").exists():
        template = (base / "chat_template.jinja").read_text(encoding="utf-8")
    if template is not None:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    for name, content in (("config.json", config), ("tokenizer_config.json", tokens)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return folder


def context_of(folder: Path) -> int | None:
    """How many tokens the model in a folder sees at once; None if its settings do not say."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    found = config.get("max_position_embeddings")
    return found if isinstance(found, int) and found > 0 else None


def _stretch(config: dict[str, Any], rope: RopeScaling) -> None:
    """Change a model's settings to a longer context, in the words of transformers."""
    before = int(config["max_position_embeddings"])
    known: dict[str, Any] = config.get("rope_parameters") or {"rope_theta": config.get("rope_theta", 10_000.0)}
    stretched = {"rope_theta": known["rope_theta"], "rope_type": rope.kind, "factor": rope.factor}
    if rope.kind == "yarn":
        stretched["original_max_position_embeddings"] = before
    config["rope_parameters"] = stretched
    config["max_position_embeddings"] = rope.context(before)
