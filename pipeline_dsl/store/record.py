"""An action record: how one artifact came to be. It is written last, so what has one is finished."""

import json
from collections.abc import Mapping
from typing import Any

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.digest import Digest, digest_bytes
from pipeline_dsl.base.fault import DigestMismatch

SCHEMA = 1

DAMAGED = "remove what is damaged with `pdsl store gc --damaged`, and run again: the stage that made it will"
"""What to do about a record, or an artifact, that is not as it was written."""


@attrs.frozen(kw_only=True)
class Machine:
    """Where a stage ran."""

    system: str
    processor: str
    cores: int
    memory: int


@attrs.frozen(kw_only=True)
class Record:
    """What ran, on which bytes, what it made and what it took.

    `key` is the action key; `inputs` have content digests in the shapes of the stage's input fields. Times are in seconds
    since 1970 and in seconds; `cost_usd` is None where the price is unknown; `code` names the source of the stage's module.
    """

    schema: int = SCHEMA
    key: str
    definition: str
    type: str
    version: int
    kind: str
    fields: Mapping[str, Any]
    inputs: Mapping[str, Any]
    output: str
    started: float
    wall_clock_sec: float
    cpu_sec: float
    peak_memory: int
    cost_usd: float | None
    device: str
    devices: int
    libraries: Mapping[str, str]
    machine: Machine
    code: str
    git_commit: str | None
    pdsl: str
    python: str
    author: str | None = None
    """Who ran it; records from before this was kept have none, and keep their digests."""

    @property
    def hardware(self) -> str:
        """Where it ran, in words."""
        return f"{self.devices} x {self.device} ({self.machine.processor})"

    @property
    def digest(self) -> Digest:
        """What a manifest calls this record."""
        return digest_bytes(spell(_body(self)))


def dump(record: Record) -> bytes:
    """The record as the bytes of its file, which names its own digest."""
    return spell({"digest": record.digest, "record": _body(record)})


def _body(record: Record) -> dict[str, Any]:
    body: dict[str, Any] = unstructure(record)
    if record.author is None:
        del body["author"]
    return body


def parse(data: bytes, *, where: str) -> Record:
    """The record in a file's bytes.

    Raises: DigestMismatch if they are not what was written.
    """
    try:
        found = json.loads(data)
        claimed, body = found["digest"], found["record"]
        if data != spell({"digest": digest_bytes(spell(body)), "record": body}):
            raise DigestMismatch(f"the record {where} is {digest_bytes(spell(body))}, it says {claimed}", help=DAMAGED)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DigestMismatch(f"the record {where} is damaged: {error}", help=DAMAGED) from error
    return structure(body, Record, what=where)
