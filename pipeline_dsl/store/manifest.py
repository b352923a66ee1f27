"""The manifest: one file that tells a run completely enough to replay it.

It is written for people and judged by machines: every number in it can be traced to a digest in the store, and gates read
them there and never here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.fault import BadFile, Usage
from pipeline_dsl.store.files import write_atomically

SCHEMA = 1
MAX_BYTES = 16 * 2**20

Status = Literal["running", "complete", "failed", "held", "interrupted"]


@attrs.frozen(kw_only=True)
class Recipe:
    """What a stage is: its type, the version of it, and the fields that decide its result."""

    type: str
    version: int
    fields: Mapping[str, Any]
    inputs: Mapping[str, Any]
    """Each input field with the name of the stage that it reads."""


@attrs.frozen(kw_only=True)
class StageEntry:
    """One finished stage. `output_hash` of a stage is the `input_hash` of those that read it."""

    recipe: Recipe
    kind: str
    definition: str
    action: str
    record: str
    input_hash: Mapping[str, Any]
    output_hash: str
    wall_clock_sec: float
    cost_usd: float | None
    metrics: Mapping[str, float]
    libraries: Mapping[str, str]
    hardware: str
    code: str


@attrs.frozen(kw_only=True)
class Manifest:
    """One run of one plan, whole or as far as it came."""

    manifest_version: int = SCHEMA
    pipeline: str
    pipeline_version: str
    seed: int
    git_commit: str | None
    plan: str
    status: Status
    failed_stage: str | None = None
    reason: str | None = None
    stages: Mapping[str, StageEntry]
    pending: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    cost_total_usd: float | None
    wall_clock_total_sec: float


def write(manifest: Manifest, path: Path) -> None:
    """Write the manifest in one step.

    Raises: StoreFull.
    """
    from pipeline_dsl.store.strict_yaml import dumped

    write_atomically(path, dumped(unstructure(manifest)).encode())


def read(path: Path) -> Manifest:
    """The manifest in a file. It is data: nothing in it is run, and unknown keys are errors.

    Raises: Usage if there is no such file; BadFile if it is no manifest, too large, too deep, says a key twice, or uses YAML
    aliases or values that JSON has not.
    """
    from pipeline_dsl.store.strict_yaml import loaded  # a run that finds all done reads no manifest, and starts without it

    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise BadFile(f"{path} is larger than {MAX_BYTES} bytes, which no manifest is")
    try:
        data: Any = loaded(raw.decode(), path)
        spell(data)
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is no manifest: it is not UTF-8 text") from error
    except (RecursionError, TypeError, ValueError) as error:
        raise BadFile(f"{path} is no manifest: {error}") from error
    if not isinstance(data, dict):
        raise BadFile(f"{path} is no manifest: it holds {type(data).__name__}, not a mapping")
    version: Any = cast("dict[str, Any]", data).get("manifest_version")
    if version != SCHEMA:
        raise BadFile(f"{path} is a manifest of format {version!r}; this pdsl reads format {SCHEMA}")
    return structure(data, Manifest, what=str(path))
