"""What a server is started from: the launch description that the server stage writes, and that `pdsl serve` reads."""

import json
from pathlib import Path
from typing import Literal

import attrs

from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.fault import BadFile


@attrs.frozen(kw_only=True)
class Limits:
    """What one client may ask, and all of them together."""

    body: int = 262_144
    """Bytes of a request."""
    prompt: int = 2048
    """Tokens of a prompt."""
    output: int = 512
    """Tokens of an answer; also what a request without `max_tokens` gets."""
    context: int = 4096
    """Tokens of a prompt and its answer together: what the model was made for."""
    per_minute: int = 600
    """Requests of one key in a minute, a burst of as many included."""
    concurrent: int = 32
    """Requests that are being answered at once; more are refused."""
    seconds: float = 120.0
    """How long an answer may take."""


@attrs.frozen(kw_only=True)
class Launch:
    """How a model is served. Secrets are named, never held: `key` is the environment variable with the API keys."""

    engine: Literal["transformers"] = "transformers"
    model: str
    """Digest of the model's artifact."""
    name: str
    """What clients call the model."""
    key: str
    dtype: str = "float32"
    temperature: float = 0.0
    """All answers are drawn at this one temperature: the engine batches requests with shared sampling settings."""
    blocks: int = 64
    """Blocks of the engine's key-value cache."""
    batch_tokens: int = 256
    """Tokens in one step of the engine, over all requests."""
    limits: Limits = Limits()
    health: str = "/health"
    metrics: str = "/metrics"


def write_launch(path: Path, launch: Launch) -> None:
    """Write a launch description."""
    path.write_text(json.dumps(unstructure(launch), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_launch(path: Path) -> Launch:
    """Read a launch description.

    Raises: BadFile, naming what does not fit.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFile(f"`{path.name}` cannot be read as a launch description: {error}") from error
    return structure(data, Launch, what=f"`{path.name}`")
