"""A server as a client sees it, and how it ends."""

import os
import re
import signal
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.running import KEY, Running, alive, running, within
from tests.stages.tiny_model import library, model_folder

pytestmark = [pytest.mark.stages, pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with running(model_folder(), tmp_path_factory.mktemp("server")) as found:
        yield found


def client(server: Running) -> Any:
    openai = library("openai")

    return openai.OpenAI(base_url=f"{server.address}/v1", api_key=KEY, max_retries=0)


def metric(server: Running, name: str) -> float:
    text = server.ask("/metrics", key=None)[1]
    return sum(float(value) for value in re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE))


def test_the_openai_client_gets_an_answer_with_its_tokens_counted(server: Running) -> None:
    answer = client(server).chat.completions.create(model="tiny", messages=[{"role": "user", "content": "the miller"}], max_tokens=6)

    assert answer.model == "tiny"
    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens == 6


def test_a_stream_says_what_a_whole_answer_says_and_ends_in_order(server: Running) -> None:
    whole = server.chat()[1]["choices"][0]["message"]["content"]

    _, text = server.chat(stream=True)

    chunks = list(
        client(server).chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "the miller"}], max_tokens=6, stream=True
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole
    assert {chunk.model for chunk in chunks} == {"tiny"}
    assert text.endswith("data: [DONE]\n\n")


def test_a_stream_counts_its_tokens_in_a_last_chunk_if_asked(server: Running) -> None:
    stream = client(server).chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "hello"}], max_tokens=5, stream=True, stream_options={"include_usage": True}
    )

    *_, last = stream
    assert (last.choices, last.usage.completion_tokens) == ([], 5)


def test_a_bare_prompt_is_continued(server: Running) -> None:
    status, answer = server.ask("/v1/completions", {"model": "tiny", "prompt": "the miller", "max_tokens": 4})

    assert (status, answer["usage"]["completion_tokens"], answer["model"]) == (200, 4, "tiny")


def test_the_model_is_listed_to_whoever_has_a_key(server: Running) -> None:
    assert [model.id for model in client(server).models.list()] == ["tiny"]
    assert client(server).models.retrieve("tiny").id == "tiny"


@pytest.mark.parametrize("key", [None, "wrong", KEY[:-1]])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions"])
def test_without_a_right_key_the_answer_is_401_as_openai_spells_it(server: Running, key: str | None, path: str) -> None:
    status, answer = server.ask(path, {"model": "tiny"} if "chat" in path else None, key=key)

    assert status == 401
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert answer["error"]["type"] == "authentication_error"


def test_the_openai_client_knows_the_errors_for_what_they_are(server: Running) -> None:
    openai = library("openai")

    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{server.address}/v1", api_key="wrong", max_retries=0).models.list()
    with pytest.raises(openai.NotFoundError, match="one model, `tiny`"):
        client(server).chat.completions.create(model="gpt", messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_that_is_too_large_is_refused_whether_it_says_so_or_not(server: Running, chunked: bool) -> None:
    status, answer = server.ask("/v1/chat/completions", raw=b'{"model": "' + 5000 * b"x" + b'"}', chunked=chunked)

    assert (status, answer["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 2000])
def test_what_is_no_json_is_refused(server: Running, raw: bytes) -> None:
    status, answer = server.ask("/v1/chat/completions", raw=raw)

    assert (status, answer["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("path", "status"), [("/load_model", 404), ("/reset", 404), ("/docs", 404), ("/v1/responses", 404), ("/health", 405)]
)
def test_the_engines_other_routes_are_not_there(server: Running, path: str, status: int) -> None:
    found, answer = server.ask(path, {})

    assert (found, answer["error"]["code"]) == (status, "unknown_url")


def test_the_counters_move_with_the_requests(server: Running) -> None:
    names = (
        'pdsl_tokens_total{kind="completion"}',
        'pdsl_requests_total{route="/v1/chat/completions",status="200"}',
        'pdsl_refused_total{code="model_not_found"}',
    )
    before = [metric(server, name) for name in names]

    server.chat(max_tokens=7)
    server.chat(model="other")

    assert [metric(server, name) - old for name, old in zip(names, before, strict=True)] == [7, 1, 1]
    assert metric(server, "pdsl_requests_open") == 0
    assert metric(server, "pdsl_engine_up") == 1


def test_a_client_that_leaves_in_the_middle_of_a_stream_is_no_longer_counted_as_open(server: Running) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    body = b'{"model":"tiny","messages":[{"role":"user","content":"hello"}],"max_tokens":32,"stream":true}'
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        assert connection.recv(16).startswith(b"HTTP/1.1 200")

    assert within(10, lambda: metric(server, "pdsl_requests_open") == 0)


def test_the_engine_knows_no_key_and_listens_on_the_loopback_alone(server: Running) -> None:
    assert KEY.encode() not in Path(f"/proc/{server.engine}/environ").read_bytes()
    sockets = {os.readlink(link) for link in Path(f"/proc/{server.engine}/fd").iterdir()}
    listening = [line.split() for line in Path(f"/proc/{server.engine}/net/tcp").read_text().splitlines()[1:]]
    own = [fields[1] for fields in listening if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets]
    assert own
    assert {address.split(":")[0] for address in own} == {"0100007F"}


def test_an_engine_that_is_killed_turns_the_health_and_ends_the_server_with_an_error(server: Running) -> None:
    """The last test of this server."""
    assert server.ask("/health", key=None)[0] == 200

    os.kill(server.engine, signal.SIGKILL)

    assert within(3, lambda: server.ask("/health", key=None)[0] == 503)
    assert within(10, lambda: not server.child.alive())
    assert server.child.stop() == 5
    assert "PDSL820" in str(server.child.fault(""))


def test_a_server_that_is_killed_takes_its_engine_along(tmp_path: Path) -> None:
    with running(model_folder(), tmp_path, temperature=1.0) as server:
        answers = {server.chat(max_tokens=32)[1]["choices"][0]["message"]["content"] for _ in range(3)}
        os.kill(server.child.pid, signal.SIGKILL)

        assert within(5, lambda: not alive(server.engine))
    assert len(answers) == 3  # and at a temperature above 0, answers differ


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_asked_to_end_ends_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with running(model_folder(), tmp_path) as server:
        os.kill(server.child.pid, number)

        assert within(15, lambda: not server.child.alive())
        assert not alive(server.engine)
        assert server.child.stop() == 0


def test_a_server_without_its_key_says_which_variable_it_wants(tmp_path: Path) -> None:
    from pipeline_dsl.serving.child import ServerFailed

    with pytest.raises(ServerFailed, match="`OTHER_KEYS` holds no API key"), running(model_folder(), tmp_path, key="OTHER_KEYS"):
        pass


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    from pipeline_dsl.serving.child import ServerFailed

    with pytest.raises(ServerFailed, match=r"there is no config\.json"), running(tmp_path, tmp_path):
        pass
