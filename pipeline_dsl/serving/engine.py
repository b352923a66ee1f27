"""The engine: `transformers serve` with continuous batching, on the loopback, with a port that the system chooses.

What it lacks, the proxy adds: it has no keys, no limits, no metrics, answers `/v1/models` with an error until a hub cache exists, and
takes every request's sampling settings from the first request it ever gets.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import MissingLibrary, WrongArtifact
from pipeline_dsl.serving.admission import ENGINE_MODEL
from pipeline_dsl.serving.child import Child
from pipeline_dsl.serving.spec import Launch

START = 180.0
"""Seconds that an engine may take until it listens; 6 to 18 are usual for a small model."""

_MAIN = "from transformers.cli.transformers import main; main()"
_LISTENING = r"running on (http://127\.0\.0\.1:\d+)"


class Engine:
    """A running engine that has answered once."""

    def __init__(self, child: Child, address: str) -> None:
        self.child = child
        self.address = address

    def healthy(self) -> bool:
        """Whether the process lives and its worker does."""
        if not self.child.alive():
            return False
        try:
            with urllib.request.urlopen(self.address + "/health", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """End the process and all it started."""
        self.child.stop()


def start_engine(model: Path, launch: Launch, *, threads: int = 1) -> Engine:
    """Start an engine on the model in the folder `model` and wait until it has written a token.

    Raises: ServerFailed; MissingLibrary; WrongArtifact for a folder without a model.
    """
    if not (model / "config.json").is_file():
        raise WrongArtifact(f"`{model.name}` holds no model: there is no config.json")
    _require("transformers", "tokenizers", "uvicorn", "fastapi", "httpx", "prometheus_client")
    child = Child(_command(launch), folder=model, environment=_environment(launch, threads))
    try:
        engine = Engine(child, child.wait_for(_LISTENING, START))
        _first_request(engine, launch, chat=(model / "chat_template.jinja").is_file())
    except BaseException:
        child.stop()
        raise
    return engine


def _require(*libraries: str) -> None:
    from importlib.util import find_spec

    for name in libraries:
        if find_spec(name) is None:
            raise MissingLibrary(f"serving needs `{name}`, which is not installed", help="pip install 'pdsl[serve]'")


def _command(launch: Launch) -> list[str]:
    # -P keeps the model's folder, in which it runs, off the import path
    return [
        *(sys.executable, "-P", "-c", _MAIN, "serve", ENGINE_MODEL, "--continuous-batching"),
        *("--cb-num-blocks", str(launch.blocks), "--cb-max-batch-tokens", str(launch.batch_tokens)),
        *("--dtype", launch.dtype, "--host", "127.0.0.1", "--port", "0", "--log-level", "error"),
    ]


def _environment(launch: Launch, threads: int) -> Mapping[str, str]:
    """Ours without the keys; nothing is fetched."""
    kept = {name: value for name, value in os.environ.items() if name != launch.key}
    return {**kept, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}


def _first_request(engine: Engine, launch: Launch, *, chat: bool) -> None:
    """Have one token written: it builds the cache, and fixes the sampling settings for every later request."""
    settings: dict[str, Any] = {"do_sample": launch.temperature > 0, "max_new_tokens": 1}
    if launch.temperature > 0:
        settings["temperature"] = launch.temperature
        settings["top_k"] = 0
    content = {"messages": [{"role": "user", "content": "Hello"}]} if chat else {"prompt": "Hello"}
    body = {**content, "model": ENGINE_MODEL, "max_tokens": 1, "generation_config": json.dumps(settings)}
    route = "/v1/chat/completions" if chat else "/v1/completions"
    request = urllib.request.Request(engine.address + route, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=START) as reply:
            reply.read()
    except urllib.error.HTTPError as error:
        raise engine.child.fault(f"refuses to answer: {error.code} {error.read(300).decode(errors='replace')}") from error
    except OSError as error:
        raise engine.child.fault(f"does not answer: {error}") from error
