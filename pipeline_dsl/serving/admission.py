"""What a request may hold: everything that the engine would ignore, or take further than it should, is refused here by name."""

from collections.abc import Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.serving.prompt import PromptTokens
from pipeline_dsl.serving.refusal import Refusal
from pipeline_dsl.serving.spec import Launch

ROLES = ("system", "user", "assistant")

ENGINE_MODEL = "."
"""What the engine calls the model: it is started inside the model's folder, so that no path shows in a reply."""

_IGNORED = frozenset({"user", "metadata", "store", "stream_options"})
"""Fields that change no answer."""


@attrs.frozen(kw_only=True)
class Admitted:
    """A request that may pass. `body` goes to the engine."""

    body: Mapping[str, Any]
    stream: bool
    usage: bool
    """Whether a stream ends with a chunk that counts tokens."""
    prompt: int
    """Tokens of the prompt."""


def admit_chat(data: Any, launch: Launch, tokens: PromptTokens) -> Admitted:
    """A request to `/v1/chat/completions`.

    Raises: Refusal.
    """
    fields = _fields(data, launch, {"messages", "max_completion_tokens"})
    messages = _messages(fields.get("messages"))
    for message in messages:
        _refuse_control(message["content"], tokens, "messages")
    return _admit(fields, launch, {"messages": messages}, tokens.of_chat(messages))


def admit_completion(data: Any, launch: Launch, tokens: PromptTokens) -> Admitted:
    """A request to `/v1/completions`.

    Raises: Refusal.
    """
    fields = _fields(data, launch, {"prompt"})
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise Refusal(400, "invalid_value", "`prompt` is one text that is not empty", param="prompt")
    _refuse_control(prompt, tokens, "prompt")
    return _admit(fields, launch, {"prompt": tokens.begin + prompt}, tokens.of_text(prompt))


def _fields(data: Any, launch: Launch, own: set[str]) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Refusal(400, "invalid_json", "the request is a JSON object")
    fields = {key: value for key, value in cast("dict[str, Any]", data).items() if value is not None}
    if fields.get("model") != launch.name:
        raise Refusal(404, "model_not_found", f"this server has one model, `{launch.name}`", param="model")
    allowed = own | _IGNORED | {"model", "max_tokens", "stream", "temperature", "top_p", "n", "seed", "stop"}
    for name in sorted(fields.keys() - allowed):
        raise Refusal(400, "unsupported_parameter", f"this server does not support `{name}`", param=name)
    _refuse_sampling(fields, launch)
    return fields


def _refuse_sampling(fields: Mapping[str, Any], launch: Launch) -> None:
    """Requests are batched with one set of sampling settings: another wish would be ignored in silence, so it is refused."""
    fixed: dict[str, tuple[Any, ...]] = {"temperature": (launch.temperature,), "top_p": (1,), "n": (1,), "stop": ([],)}
    for name, values in fixed.items():
        if name in fields and fields[name] not in values:
            shown = " or ".join(str(value) for value in values)
            raise Refusal(400, "unsupported_value", f"`{name}` is {shown} on this server, for every request; leave it out", param=name)
    if "seed" in fields and launch.temperature:
        raise Refusal(400, "unsupported_value", "`seed` has no effect on this server: requests are sampled together", param="seed")


def _messages(found: Any) -> list[dict[str, str]]:
    if not isinstance(found, list) or not found:
        raise Refusal(400, "invalid_value", "`messages` is a list of at least one message", param="messages")
    messages: list[dict[str, str]] = []
    for index, item in enumerate(cast("list[Any]", found)):
        place = f"messages[{index}]"
        if not isinstance(item, dict):
            raise Refusal(400, "invalid_value", f"`{place}` is no object", param=place)
        message = cast("dict[str, Any]", item)
        if message.get("role") not in ROLES:
            raise Refusal(400, "invalid_value", f"`{place}.role` is one of {', '.join(ROLES)}", param=f"{place}.role")
        extra = sorted(message.keys() - {"role", "content", "name"})
        if extra:
            raise Refusal(400, "unsupported_parameter", f"this server does not support `{place}.{extra[0]}`", param=f"{place}.{extra[0]}")
        messages.append({"role": message["role"], "content": _content(message.get("content"), place)})
    return messages


def _content(content: Any, place: str) -> str:
    if isinstance(content, str):
        return content
    parts = cast("list[Any]", content) if isinstance(content, list) else []
    objects = [cast("dict[str, Any]", part) for part in parts if isinstance(part, dict)]
    texts = [part.get("text") for part in objects if part.get("type") == "text"]
    if not parts or len(texts) != len(parts) or not all(isinstance(text, str) for text in texts):
        raise Refusal(400, "invalid_value", f"`{place}.content` is text, or a list of parts of type `text`", param=f"{place}.content")
    return "".join(cast("list[str]", texts))


def _refuse_control(text: str, tokens: PromptTokens, param: str) -> None:
    """A control token in a text would let a client speak as another role."""
    found = tokens.control_in(text)
    if found:
        raise Refusal(400, "invalid_value", f"the text holds `{found}`, which only the server may write", param=param)


def _admit(fields: Mapping[str, Any], launch: Launch, content: Mapping[str, Any], prompt: int) -> Admitted:
    limits = launch.limits
    name = "max_completion_tokens" if "max_completion_tokens" in fields else "max_tokens"
    if {"max_completion_tokens", "max_tokens"} <= fields.keys():
        raise Refusal(400, "invalid_value", "give `max_completion_tokens` or `max_tokens`, not both", param=name)
    room = min(limits.output, limits.context - prompt)
    if prompt > limits.prompt or room < 1:
        most = min(limits.prompt, limits.context - 1)
        raise Refusal(400, "context_length_exceeded", f"the prompt is {prompt} tokens long, this server takes {most}")
    most = fields.get(name, room)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise Refusal(400, "invalid_value", f"`{name}` is a whole number of at least 1", param=name)
    if most > room:
        raise Refusal(400, "context_length_exceeded", f"after this prompt, an answer may be {room} tokens long, not {most}", param=name)
    stream = fields.get("stream", False)
    options = fields.get("stream_options", {})
    if not isinstance(stream, bool) or not isinstance(options, dict):
        raise Refusal(400, "invalid_value", "`stream` is true or false, `stream_options` an object", param="stream")
    body = {**content, "model": ENGINE_MODEL, "max_tokens": most, "stream": stream}
    usage = cast("dict[str, Any]", options).get("include_usage") is True
    return Admitted(body=body, stream=stream, usage=usage, prompt=prompt)
