"""The manifest: one file that tells a run completely enough to replay it.

It is written for people and judged by machines: every number in it can be traced to a digest in the store, and gates read
them there and never here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

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
class Rollback:
    """What is done when a stage fails, written down before it runs."""

    tier: str
    """`cheap`, `medium` or `expensive`: hours, days or weeks of work."""
    action: str
    """`re-run`, `retrain` with revised inputs, or `fall-back` to the last good artifact."""


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
    on: Mapping[str, Any] | None = None
    """Where it was to run: a device of the catalogue or a description of one, how many, and the price if another was given."""
    execution: Mapping[str, Any] | None = None
    """The fields of its type that only say how fast it runs."""
    rollback: Rollback | None = None
    declares: Mapping[str, Any] | None = None
    """What its type told the compiler, where others may not have the type."""


@attrs.frozen(kw_only=True)
class Signed:
    """A statement that a person signed: by the canonical bytes of `statement`, in the namespace `purpose`."""

    purpose: str
    statement: Mapping[str, Any]
    signature: str
    """As `ssh-keygen -Y sign` writes it."""
    logged: str
    """The digest of its line in the decision log."""


@attrs.frozen(kw_only=True)
class Manifest:
    """One run of one plan, whole or as far as it came."""

    manifest_version: int = SCHEMA
    pipeline: str
    pipeline_version: str
    seed: int
    git_commit: str | None
    author: str | None = None
    """Who ran it, as `runner/machine.py` finds out; the records say who ran each stage."""
    plan: str
    status: Status
    failed_stage: str | None = None
    reason: str | None = None
    stages: Mapping[str, StageEntry]
    pending: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    gate_stages: Mapping[str, str] | None = None
    """The stage that measures it, for each gate that is not on the run as a whole."""
    budget: Mapping[str, float] | None = None
    """What may be spent: `usd`, and `kl` in nats a sequence along any path."""
    baseline: Mapping[str, str] | None = None
    """What `baseline` means: the `stage` of this run or the `manifest` of another."""
    ships: str | None = None
    use: str | None = None
    cost_total_usd: float | None
    wall_clock_total_sec: float
    overrides: tuple[Signed, ...] = ()
    """Exceptions to its verdict, read by `gates/override.py`; no part of what is judged."""


def write(manifest: Manifest, path: Path) -> None:
    """Write the manifest in one step.

    Raises: StoreFull.
    """
    from pipeline_dsl.store.strict_yaml import dumped

    write_atomically(path, dumped(unstructure(manifest)).encode())


def overrides_at(path: Path) -> tuple[Signed, ...]:
    """What was signed about the run whose manifest is about to be written again; nothing where there is no manifest to read.

    What an unreadable manifest had is still in the decision log, and counts again once it is signed anew.
    """
    try:
        return read(path).overrides
    except (Usage, BadFile):
        return ()


def read(path: Path) -> Manifest:
    """The manifest in a file. It is data: nothing in it is run, and unknown keys are errors.

    Raises: Usage if there is no such file; BadFile if it is no manifest, too large, too deep, says a key twice, or uses YAML
    aliases or values that JSON has not.
    """
    from pipeline_dsl.store.strict_yaml import mapping  # a run that finds all done reads no manifest, and starts without it

    return _structured(mapping(path, "manifest", MAX_BYTES), path)


def parse(written: bytes, path: Path) -> Manifest:
    """The manifest in the bytes that stand, or stood, in a file.

    Raises: BadFile.
    """
    from pipeline_dsl.store.strict_yaml import parsed  # as above

    return _structured(parsed(written, path, "manifest", MAX_BYTES), path)


def _structured(data: Mapping[str, Any], path: Path) -> Manifest:
    version: Any = data.get("manifest_version")
    if version != SCHEMA:
        raise BadFile(f"{path} is a manifest of format {version!r}; this pdsl reads format {SCHEMA}")
    return structure(data, Manifest, what=str(path))
