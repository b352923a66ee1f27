"""A real server in a process of its own, on a small model with random weights."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline_dsl.serving.child import Child
from pipeline_dsl.serving.spec import Launch, Limits, write_launch
from tests.command import ROOT

KEY = "a-key-that-only-tests-know"
LIMITS = Limits(body=4000, prompt=64, output=32, context=128, per_minute=1000)


class Running:
    """Where a server is, and what it is made of."""

    def __init__(self, child: Child, address: str) -> None:
        self.child = child
        self.address = address
        self.engine = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()[0])

    def ask(
        self, path: str, data: Any = None, *, key: str | None = KEY, raw: bytes | None = None, chunked: bool = False
    ) -> tuple[int, Any]:
        """(status, JSON or text) of a GET, or of a POST if there are data."""
        body: Any = raw if raw is not None else None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(self.address + path, iter([body]) if chunked else body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                status, text = reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def chat(self, text: str = "the miller", **fields: Any) -> tuple[int, Any]:
        """The reply to one question."""
        data = {"model": "tiny", "messages": [{"role": "user", "content": text}], "max_tokens": 6} | fields
        return self.ask("/v1/chat/completions", data)


@contextmanager
def running(model: Path, folder: Path, **launch: Any) -> Generator[Running]:
    """A server that is up; gone afterwards, whatever it has become."""
    spec = folder / "server.json"
    fields: dict[str, Any] = {"model": "sha256:abc", "name": "tiny", "key": "TEST_KEYS", "limits": LIMITS, "blocks": 16}
    write_launch(spec, Launch(**(fields | launch)))
    environment = {**os.environ, "TEST_KEYS": KEY, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "pipeline_dsl.serving.server", "--model", str(model), "--spec", str(spec), "--port", "0"]
    child = Child(command, environment=environment)
    try:
        yield Running(child, child.wait_for(r"on (http://\S+)$", 120))
    finally:
        child.stop()


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def within(seconds: float, true: Any) -> bool:
    """Whether `true()` holds before the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())
