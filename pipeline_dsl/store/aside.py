"""Records that a rollback took out of use: moved, never deleted, and moved back by its undoing.

    .pdsl/aside/20261121T104500-09_align/
        aside.json       what was set aside, and why; written first
        records/07ab..   one action record, by its action key
        work/07ab../     what a half-made stage had kept to go on from

Blobs and trees stay where they are. A move is one rename; records go before those that they were made from, so that a crash
half-way leaves nothing in use that was made from what is gone.
"""

import errno
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.digest import Digest
from pipeline_dsl.base.fault import BadFile, Fault, Usage
from pipeline_dsl.store import record as records
from pipeline_dsl.store.files import write_atomically
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

SCHEMA = 1
_NOTE = "aside.json"


@attrs.frozen(kw_only=True)
class Aside:
    """What was set aside at once. `keys` are the action keys of stages, those first that others were made from; `time` is in seconds
    since 1970."""

    schema: int = SCHEMA
    name: str
    plan: str
    failed: str
    keys: Mapping[str, str]
    time: float


def set_aside(store: Store, keys: Mapping[str, str], *, plan: Digest | str, failed: str) -> Aside | None:
    """Take the records and half-made work of actions out of use; None if there is nothing to take.

    `keys` is in the order of the plan. Killed half-way, the same call takes the rest.
    Raises: StoreFull.
    """
    if not any(store.record_file(key).exists() or store.layout.stage(key).exists() for key in keys.values()):
        return None
    now = time.time()
    folder = _new_folder(store, time.strftime("%Y%m%dT%H%M%S-", time.gmtime(now)) + re.sub(r"[^\w.-]", "_", failed))
    aside = Aside(name=folder.name, plan=plan, failed=failed, keys=keys, time=round(now, 3))
    write_atomically(folder / _NOTE, json.dumps(unstructure(aside), indent=1).encode())
    for key in reversed(list(keys.values())):
        _move(store.record_file(key), folder / "records" / tail(key))
        _move(store.layout.stage(key), folder / "work" / tail(key))
    return aside


def put_back(store: Store, aside: Aside) -> Aside | None:
    """Put back what was set aside; what took its place meanwhile is set aside itself, and returned.

    Killed half-way, the same call puts back the rest.
    """
    folder = store.layout.aside / aside.name
    missing = {stage: key for stage, key in aside.keys.items() if any((folder / part / tail(key)).exists() for part in ("records", "work"))}
    replaced = set_aside(store, missing, plan=aside.plan, failed=aside.failed)
    for key in missing.values():
        _move(folder / "work" / tail(key), store.layout.stage(key))
        _move(folder / "records" / tail(key), store.record_file(key))
    (folder / _NOTE).unlink()
    for emptied in (folder / "records", folder / "work", folder):
        if emptied.exists() and not any(emptied.iterdir()):
            emptied.rmdir()
    return replaced


def asides(store: Store) -> Iterator[Aside]:
    """Everything that is set aside, the oldest first.

    Raises: BadFile if a note cannot be read.
    """
    for note in sorted(store.layout.aside.glob(f"*/{_NOTE}")):
        try:
            aside = structure(json.loads(note.read_bytes()), Aside, what=str(note))
        except ValueError as error:
            raise BadFile(f"{note} does not say what was set aside: {error}") from error
        if aside.name != note.parent.name or any(len(tail(key)) != 64 or not tail(key).isalnum() for key in aside.keys.values()):
            raise BadFile(f"{note} was changed: it does not say what is beside it")
        yield aside


def find(store: Store, name: str) -> Aside:
    """What was set aside under a name.

    Raises: Usage, with the names that there are; BadFile.
    """
    known = {aside.name: aside for aside in asides(store)}
    if name not in known:
        names = ", ".join(known) or "none"
        raise Usage(f"nothing was set aside as `{name}`", help=f"what is set aside here: {names}")
    return known[name]


def records_aside(store: Store) -> Iterator[Record]:
    """All records that are set aside and are still what was written."""
    for path in sorted(store.layout.aside.glob("*/records/*")):
        try:
            yield records.parse(path.read_bytes(), where=str(path))
        except Fault:  # it may be why it was set aside
            continue


def _new_folder(store: Store, name: str) -> Path:
    """A folder that nobody else has: a second rollback within a second gets another."""
    for number in range(1000):
        folder = store.layout.aside / (f"{name}-{number}" if number else name)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("a thousand rollbacks in a second")


def _move(source: Path, target: Path) -> None:
    """Move a file or a folder, if it is there, in one step where both are on one file system."""
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(source, target)
