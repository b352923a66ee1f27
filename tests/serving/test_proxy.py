"""The proxy in front of an engine that misbehaves, which a real one does not do on request."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pipeline_dsl.serving.keys import Keys
from pipeline_dsl.serving.proxy import Proxy
from pipeline_dsl.serving.spec import Launch, Limits
from tests.serving.test_admission import WORDS
from tests.stages.tiny_model import library

pytestmark = pytest.mark.stages

KEY = "a-key-that-only-tests-know"
ASK = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}
GOOD: dict[str, Any] = {"id": "1", "model": "./@main", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def ask(
    engine: Callable[[Any], Any], data: Any = ASK, *, times: int = 1, concurrent: int = 8, unhealthy: bool = False
) -> tuple[list[Any], str]:
    """(replies, metrics) of a proxy in front of `engine`, which answers an httpx request."""
    httpx = library("httpx")

    async def run() -> tuple[list[Any], str]:
        upstream = httpx.AsyncClient(transport=httpx.MockTransport(engine), base_url="http://engine", timeout=1)
        launch = Launch(model="sha256:abc", name="tiny", key="K", limits=Limits(concurrent=concurrent))
        proxy = Proxy(launch, Keys([KEY]), WORDS, upstream)
        proxy.healthy = not unhealthy
        transport = httpx.ASGITransport(proxy.application())
        async with (
            upstream,
            httpx.AsyncClient(transport=transport, base_url="http://proxy", headers={"Authorization": f"Bearer {KEY}"}) as client,
        ):
            replies = await asyncio.gather(*(client.post("/v1/chat/completions", json=data) for _ in range(times)))
            return replies, (await client.get("/metrics")).text

    return asyncio.run(run())


def reply(status: int, data: Any) -> Callable[[Any], Any]:
    httpx = library("httpx")

    return lambda request: httpx.Response(status, json=data)


def stream(*parts: bytes, breaks: bool = False) -> Callable[[Any], Any]:
    """An engine that sends these parts, and then, if it `breaks`, loses the connection."""
    httpx = library("httpx")

    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            yield part
        if breaks:
            raise httpx.ReadError("gone")

    return lambda request: httpx.Response(200, content=body(), headers={"Content-Type": "text/event-stream"})


def raising(error: str) -> Callable[[Any], Any]:
    httpx = library("httpx")

    def engine(request: Any) -> Any:
        raise getattr(httpx, error)("no")

    return engine


def error_of(found: Any) -> tuple[int, str]:
    return found.status_code, found.json()["error"]["code"]


def test_the_engines_name_for_the_model_does_not_get_out() -> None:
    (found,), _ = ask(reply(200, GOOD))

    assert found.json()["model"] == "tiny"


@pytest.mark.parametrize(
    ("engine", "status", "code"),
    [
        (reply(500, {}), 502, "engine_error"),
        (reply(422, {"detail": "/secret/path"}), 502, "engine_error"),
        (reply(503, {}), 503, "engine_unavailable"),
        (raising("ConnectError"), 503, "engine_unavailable"),
        (raising("ReadTimeout"), 504, "engine_timeout"),
    ],
)
def test_what_the_engine_does_wrong_is_told_in_openais_words_and_not_in_the_engines(engine: Any, status: int, code: str) -> None:
    (found,), metrics = ask(engine)

    assert error_of(found) == (status, code)
    assert "secret" not in found.text
    assert f'pdsl_refused_total{{code="{code}"}} 1.0' in metrics
    assert "pdsl_requests_open 0.0" in metrics


@pytest.mark.parametrize("bad", [b'data: {"error": "it said "no""}\n\n', b'data: {"error": "no"}\n\n', b"data: [1]\n\n"])
def test_a_stream_in_which_the_engine_fails_ends_with_an_error_and_in_order(bad: bytes) -> None:
    chunk = b'data: {"choices": [], "model": "x"}\n\n'

    (found,), metrics = ask(stream(chunk, bad, chunk), {**ASK, "stream": True})

    events = [line.removeprefix("data: ") for line in found.text.split("\n\n") if line]
    assert [json.loads(event).keys() for event in events[:2]] == [{"choices", "model"}, {"error"}]
    assert events[2:] == ["[DONE]"]
    assert "pdsl_requests_open 0.0" in metrics


def test_a_stream_that_breaks_off_ends_with_an_error() -> None:
    (found,), metrics = ask(stream(b'data: {"choices": []}\n\n', breaks=True), {**ASK, "stream": True})

    assert '"code":"engine_error"' in found.text
    assert found.text.endswith("data: [DONE]\n\n")
    assert 'pdsl_requests_total{route="/v1/chat/completions",status="502"} 1.0' in metrics


def test_more_requests_at_once_than_allowed_are_sent_away() -> None:
    httpx = library("httpx")

    async def slow(request: Any) -> Any:
        await asyncio.sleep(0.2)
        return httpx.Response(200, json=GOOD)

    found, metrics = ask(slow, times=5, concurrent=2)

    assert sorted(item.status_code for item in found) == [200, 200, 429, 429, 429]
    assert "pdsl_requests_open 0.0" in metrics


def test_nothing_is_sent_to_an_engine_that_is_down() -> None:
    def engine(request: Any) -> Any:
        raise AssertionError("the engine was asked")

    (found,), metrics = ask(engine, unhealthy=True)

    assert error_of(found) == (503, "engine_unavailable")
    assert "pdsl_engine_up 0.0" in metrics
