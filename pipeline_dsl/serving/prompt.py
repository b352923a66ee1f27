"""How many tokens a prompt has, by the model's own tokenizer and without its weights."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TURN = 2
"""Control tokens around one message, at most: its role, and the end of an assistant's turn."""


class PromptTokens:
    """Counts tokens and finds control tokens, from a model folder's `tokenizer.json`."""

    def __init__(self, model: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(model / "tokenizer.json"))
        description: dict[str, Any] = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
        settings: dict[str, Any] = json.loads((model / "tokenizer_config.json").read_text(encoding="utf-8"))
        bos: Any = settings.get("bos_token") or ""
        self.begin: str = bos["content"] if isinstance(bos, dict) else bos
        """What stands before a bare prompt, as it stood before each document that the model learnt from."""
        self._control = [str(token["content"]) for token in description.get("added_tokens", []) if token.get("special")]

    def of_text(self, text: str) -> int:
        """Tokens of a bare prompt, with the one that begins it."""
        return 1 + len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def of_chat(self, messages: Sequence[dict[str, str]]) -> int:
        """Tokens of a conversation up to where the assistant begins to speak; a bound that is rarely more than a few too high."""
        encoded = self._tokenizer.encode_batch([message["content"] for message in messages], add_special_tokens=False)
        return 2 + sum(TURN + len(item.ids) for item in encoded)

    def control_in(self, text: str) -> str | None:
        """The first control token that a text holds."""
        return next((token for token in self._control if token in text), None)
