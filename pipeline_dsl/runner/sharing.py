"""A run, pushed to a place that others reach and pulled from there, so that what one cluster made is found by all.

    store/blobs/9f/3c12...     as in a store, and as little changed: what is there is never written again
    store/trees/ store/actions/ store/plans/
    decisions/00000007         a line each of the decision log
    runs/assistant-0a1b2c3d4e5f/manifest.yaml

What a manifest names is there before the manifest, on both sides. Nothing that comes from a remote is believed: each file is hashed
before it gets its name in the store, and records, plan and manifest have to say the same. Interrupted, both go on where they were.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from pipeline_dsl.base.digest import digest_bytes, digest_file, short
from pipeline_dsl.base.fault import BadFile, DigestMismatch, LogBroken, Usage
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan, portable
from pipeline_dsl.runner.original import original
from pipeline_dsl.runner.run import run_folder
from pipeline_dsl.store import manifest as manifests, record as records, tree
from pipeline_dsl.store.files import write_atomically
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.manifest import Manifest, StageEntry
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.remote import Remote
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Entry

_AT_ONCE = 8
"""Files that are on their way at a time."""
_NAME = re.compile(r"[\w.-]+-[0-9a-f]{12}")

Told = Callable[[int], None]
"""Told how many more bytes went over."""


@attrs.frozen(kw_only=True)
class Shared:
    """What a push or a pull did: the run and its manifest here, files that went over and their bytes, and files that were there."""

    run: str
    manifest: Path
    files: int
    bytes: int
    there: int


def push(path: Path, store: Store, remote: Remote, told: Told) -> Shared:
    """Send a run, as far as it has finished stages, and what of the decision log is not there yet.

    Raises: DigestMismatch or MissingArtifact if the store is not what the manifest says; Usage if there is another record of the same
    stage, or another log; RemoteFailed.
    """
    run = original(path, store)
    name = run_folder(store, run.plan).name
    _not_older(run.manifest, f"runs/{name}/manifest.yaml", remote)
    blobs: dict[str, Entry] = {}
    small: dict[str, bytes] = {}
    for record in run.records.values():
        blobs |= {entry.digest: entry for entry in store.verify(record.output, read=False).files}
        small |= {_inside(store, file): file.read_bytes() for file in (store.tree_file(record.output), store.record_file(record.key))}
    absent = [inside for inside, data in small.items() if not _has(remote, inside, data)]
    sent = [size for size in _each(blobs.values(), lambda entry: _send(store, remote, entry, told)) if size is not None]
    for inside in absent:
        if not remote.create(inside, small[inside]):
            _has(remote, inside, small[inside])  # somebody pushed it in the meantime
    plan = remote.create(_inside(store, store.plan_file(run.plan.digest)), plans.dump(portable(run.plan)).encode())
    _push_log(Log(store.layout.decisions), remote)
    remote.write(f"runs/{name}/manifest.yaml", path.read_bytes())
    files = len(sent) + len(absent) + plan
    return Shared(run=name, manifest=path, files=files, bytes=sum(sent), there=len(blobs) + len(small) + 1 - files)


def pull(name: str, store: Store, remote: Remote, told: Told) -> Shared:
    """Bring a run here, with all that its manifest names.

    Raises: Usage if there is no such run, or the store has a record or a log of its own in its place; DigestMismatch if anything is not
    what its name says; LogBroken; RemoteFailed; StoreFull.
    """
    written = remote.read(f"runs/{name}/manifest.yaml") if _NAME.fullmatch(name) else None
    if written is None:
        known = ", ".join(runs_of(remote)) or "none"
        raise Usage(f"{remote.url} has no run {name!r:.100}", help=f"it has: {known}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.yaml"
        path.write_bytes(written)
        manifest = _manifest(path, f"runs/{name}/manifest.yaml", remote)
        plan = _plan(manifest, store, remote)
        place = run_folder(store, plan)
        if place.name != name:
            raise DigestMismatch(f"`runs/{name}` in {remote.url} is the run of another plan, {short(plan.digest)}", help=_AGAIN)
        new = [record for stage, entry in manifest.stages.items() if (record := _record(store, remote, stage, entry)) is not None]
        trees = {entry.output_hash: _read(remote, store.tree_file(entry.output_hash), store) for entry in manifest.stages.values()}
        fetched, there = _artifacts(trees, store, remote, told)
        for record in new:
            store.finish(record)
        _pull_log(Log(store.layout.decisions), remote)
        original(path, store)
    return Shared(run=name, manifest=_settle(written, manifest, plan, place, remote), files=len(fetched), bytes=sum(fetched), there=there)


def _manifest(path: Path, inside: str, remote: Remote) -> Manifest:
    """What was read from a remote, as a manifest.

    Raises: DigestMismatch if it is none.
    """
    try:
        return manifests.read(path)
    except BadFile as fault:
        raise DigestMismatch(f"`{inside}` in {remote.url} is no manifest: {fault.message}", help=_AGAIN) from fault


def _not_older(manifest: Manifest, inside: str, remote: Remote) -> None:
    """Raises: Usage if a manifest that is there has an override that this one has not."""
    written = remote.read(inside)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.yaml"
        path.write_bytes(written or b"")
        if written and any(signed not in manifest.overrides for signed in _manifest(path, inside, remote).overrides):
            raise Usage(f"{remote.url} has an override of this run that is not here", help="pull the run first")


def _settle(written: bytes, manifest: Manifest, plan: Plan, folder: Path, remote: Remote) -> Path:
    """Put a manifest in its place, unless that would lose what was signed here."""
    path = folder / "manifest.yaml"
    if any(signed not in manifest.overrides for signed in manifests.overrides_at(path)):
        raise Usage(f"{path} has an override that {remote.url} has not", help="push the run from here first")
    write_atomically(folder / "plan.json", plans.dump(plan).encode())
    write_atomically(path, written)
    return path


def _artifacts(trees: Mapping[str, bytes], store: Store, remote: Remote, told: Told) -> tuple[list[int], int]:
    """Bring the files of artifacts, and then say that they are there; the sizes of those that came, and how many were here."""
    blobs: dict[str, Entry] = {}
    for digest, data in trees.items():
        if digest_bytes(data) != digest:
            raise DigestMismatch(f"the artifact {short(digest)} in {remote.url} is {short(digest_bytes(data))}", help=_AGAIN)
        blobs |= {entry.digest: entry for entry in tree.parse(data, where=f"{short(digest)} in {remote.url}").files}
    fetched = [size for size in _each(blobs.values(), lambda entry: _fetch(store, remote, entry, told)) if size is not None]
    for digest, data in trees.items():
        write_atomically(store.tree_file(digest), data)
    return fetched, len(blobs) - len(fetched)


def runs_of(remote: Remote) -> list[str]:
    """The runs that a remote has.

    Raises: RemoteFailed.
    """
    return [name for name in remote.names("runs") if _NAME.fullmatch(name)]


def _inside(store: Store, file: Path) -> str:
    return f"store/{file.relative_to(store.layout.store)}"


def _each(entries: Iterable[Entry], work: Callable[[Entry], int | None]) -> Iterator[int | None]:
    """What `work` says of each, several at a time; the first that fails ends the rest."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield from pool.map(work, entries)
    finally:
        pool.shutdown(cancel_futures=True)


def _send(store: Store, remote: Remote, entry: Entry, told: Told) -> int | None:
    """Upload a blob; its size, or None if it is there."""
    file = store.blob(entry)
    if remote.size(_inside(store, file)) == entry.size:
        return None
    remote.send(file, _inside(store, file))
    told(entry.size)
    return entry.size


def _has(remote: Remote, inside: str, data: bytes) -> bool:
    """Whether a remote has something, which may not be something else.

    Raises: Usage.
    """
    found = remote.read(inside)
    if found not in (None, data):
        help = "somebody pushed the same stage, run elsewhere: pull their run into a new store, or push to another folder"
        raise Usage(f"{remote.url} has another `{inside}`", help=help)
    return found is not None


def _fetch(store: Store, remote: Remote, entry: Entry, told: Told) -> int | None:
    """Download a blob, hash it and put it in its place; its size, or None if it is there."""
    file = store.blob(entry)
    if file.is_file() and file.stat().st_size == entry.size:
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        try:
            remote.fetch(_inside(store, file), draft)
        except FileNotFoundError as error:
            raise DigestMismatch(f"`{entry.path}` ({short(entry.digest)}) is gone from {remote.url}", help=_AGAIN) from error
        found = digest_file(draft)
        if found != entry.digest:
            raise DigestMismatch(f"`{entry.path}` in {remote.url} is {short(found)}, it should be {short(entry.digest)}", help=_AGAIN)
        draft.chmod(0o444)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    told(entry.size)
    return entry.size


_AGAIN = "remove it there, and push the run again from the store that made it"


def _read(remote: Remote, file: Path, store: Store) -> bytes:
    """What a remote has in the place of a small file.

    Raises: DigestMismatch if it has nothing there.
    """
    data = remote.read(_inside(store, file))
    if data is None:
        raise DigestMismatch(f"`{_inside(store, file)}` is gone from {remote.url}", help=_AGAIN)
    return data


def _plan(manifest: Manifest, store: Store, remote: Remote) -> Plan:
    text = _read(remote, store.plan_file(manifest.plan), store).decode("utf-8", "replace")
    where = f"the plan {short(manifest.plan)} in {remote.url}"
    try:
        plan = plans.parse(text, where=where)
    except BadFile as fault:
        raise DigestMismatch(fault.message, help=_AGAIN) from fault
    if plan.digest != manifest.plan or plans.respell(text) != text:
        raise DigestMismatch(f"{where} is not as it was written", help=_AGAIN)
    store.keep_plan(plan)
    return plan


def _record(store: Store, remote: Remote, stage: str, entry: StageEntry) -> Record | None:
    """The record of a stage; None if it is here.

    Raises: DigestMismatch; Usage if the store has another one.
    """
    here = store.record(entry.action)
    if here is None:
        file = store.record_file(entry.action)
        record = records.parse(_read(remote, file, store), where=f"`{_inside(store, file)}` in {remote.url}")
        if (record.key, record.digest) != (entry.action, entry.record):
            raise DigestMismatch(f"the record of `{stage}` in {remote.url} is not the one that its manifest names", help=_AGAIN)
        return record
    if here.digest != entry.record:
        raise Usage(f"this store has a record of `{stage}` of its own", help="pull into another folder with `--store`")
    return None


def _push_log(log: Log, remote: Remote) -> None:
    """Send the lines that are not there.

    Raises: Usage if others are there instead; LogBroken.
    """
    lines = [entry.spelled() for entry in log.entries()]
    there = remote.names("decisions")
    _same_begin(lines, there, remote)
    for number, line in enumerate(lines[len(there) :], len(there) + 1):
        if not remote.create(f"decisions/{number:08d}", line):
            raise _other_log(remote)


def _pull_log(log: Log, remote: Remote) -> None:
    """Take the lines that are not here.

    Raises: Usage if others are here instead; LogBroken.
    """
    there = remote.names("decisions")
    if not there:
        return
    with log.held() as held:
        _same_begin([entry.spelled() for entry in held.entries], there, remote)
        more = [remote.read(f"decisions/{name}") for name in there[len(held.entries) :]]
        lines = [line for line in more if line is not None]
        if len(lines) != len(more):
            raise LogBroken(f"lines of the decision log in {remote.url} are gone")
        held.take(lines)


def _same_begin(lines: Sequence[bytes], there: Sequence[str], remote: Remote) -> None:
    """Make sure that one log is the begin of the other: each line has the digest of the one before, so the last common one says it."""
    common = min(len(lines), len(there))
    if list(there) != [f"{number:08d}" for number in range(1, len(there) + 1)]:
        raise LogBroken(f"lines of the decision log in {remote.url} are gone")
    if common and remote.read(f"decisions/{there[common - 1]}") != lines[common - 1]:
        raise _other_log(remote)


def _other_log(remote: Remote) -> Usage:
    help = "one store has one log: pull into another folder with `--store`, or push to another folder of the bucket"
    return Usage(f"the decision log here and the one in {remote.url} went different ways", help=help)
