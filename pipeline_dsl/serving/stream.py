"""An engine's stream of events, as OpenAI's interface sends it."""

import json
from collections.abc import AsyncIterator
from typing import Any

from pipeline_dsl.serving.meters import Meters
from pipeline_dsl.serving.refusal import Refusal

DONE = b"data: [DONE]\n\n"


async def events(lines: AsyncIterator[str], *, name: str, usage: bool, meters: Meters) -> AsyncIterator[bytes]:
    """The engine's chunks with the model's public `name`; token counts in a last chunk of their own, if `usage` asks; then `[DONE]`.

    A chunk that reports an error ends the stream with an OpenAI-shaped one: the status has long been sent.
    """
    async for line in lines:
        if not line.startswith("data:"):
            continue
        text = line.removeprefix("data:").strip()
        if text == "[DONE]":
            break
        chunk = _chunk(text)
        if chunk is None or "error" in chunk:
            meters.refused("engine_error")
            yield event(Refusal(500, "engine_error", "the engine failed while it answered").body())
            break
        counted = chunk.pop("usage", None)
        chunk["model"] = name
        yield event(chunk)
        if counted:
            meters.used(counted)
            if usage:
                yield event({**chunk, "choices": [], "usage": counted})
    yield DONE


def event(data: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _chunk(text: str) -> dict[str, Any] | None:
    """A chunk as the engine wrote it; None for what is no JSON, as its error messages with a quote inside are not."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]
