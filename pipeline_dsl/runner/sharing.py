"""A run, pushed to a place that others reach and pulled from there, so that what one cluster made is found by all.

    store/blobs/9f/3c12...     as in a store, and as little changed: what is there is never written again
    store/trees/ store/actions/ store/plans/
    decisions/00000007         a line each of the decision log: see `shared_log`
    runs/assistant-0a1b2c3d4e5f/manifest.yaml

What a manifest names is there before the manifest, on both sides. Nothing that comes from a remote is believed: each file is hashed
before it gets its name in the store, and records, plan and manifest have to say the same. Interrupted, both go on where they were.
"""

import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import attrs

from pipeline_dsl.base.digest import digest_bytes, digest_file, short
from pipeline_dsl.base.fault import BadFile, DigestMismatch, UnsafePath, Usage
from pipeline_dsl.gates.chain import broken_links, departures
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan, portable
from pipeline_dsl.runner.original import checked
from pipeline_dsl.runner.run import run_folder
from pipeline_dsl.runner.shared_log import lines_to_pull, push_log
from pipeline_dsl.store import manifest as manifests, record as records, tree
from pipeline_dsl.store.archive import Told
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
    stage, another log, or a manifest that says more; RemoteFailed.
    """
    if remote.folder is not None and remote.folder.resolve().is_relative_to(store.layout.root.resolve()):
        raise Usage(f"{remote.url} lies in the store itself", help="name a folder that others reach")
    written = path.read_bytes()  # once: what a run writes meanwhile may name what is not sent
    run = checked(manifests.parse(written, path), store)
    name = run_folder(store, run.plan).name
    place = f"runs/{name}/manifest.yaml"
    _not_less(run.manifest, place, remote)
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
    push_log(Log(store.layout.decisions), remote)
    _not_less(run.manifest, place, remote)  # what took hours may have been overtaken
    remote.write(place, written)
    files = len(sent) + len(absent) + plan
    return Shared(run=name, manifest=path, files=files, bytes=sum(sent), there=len(blobs) + len(small) + 1 - files)


def pull(name: str, store: Store, remote: Remote, told: Told) -> Shared:
    """Bring a run here, with all that its manifest names.

    Raises: Usage if there is no such run, or the store has a record or a log of its own in its place, or says more of the run;
    DigestMismatch if anything is not what its name says; LogBroken; RemoteFailed; StoreFull.
    """
    place = f"runs/{name}/manifest.yaml"
    written = remote.read(place) if _NAME.fullmatch(name) else None
    if written is None:
        known = ", ".join(runs_of(remote)[:20]) or "none"
        raise Usage(f"{remote.url} has no run {name!r:.100}", help=f"it has: {known}")
    with _foreign(remote):
        manifest = manifests.parse(written, Path(place))
        plan = _plan(manifest, store, remote)
        if run_folder(store, plan) != store.layout.runs / name:
            raise DigestMismatch(f"`{place}` in {remote.url} is of another run, of the plan {short(plan.digest)}", help=_AGAIN)
        for fault in (*broken_links(manifest), *departures(manifest, plan)):
            raise DigestMismatch(f"`{place}` in {remote.url}: {fault}", help=_AGAIN)
        new = [record for stage, entry in manifest.stages.items() if (record := _record(store, remote, stage, entry)) is not None]
        trees = {entry.output_hash: _read(remote, store.tree_file(entry.output_hash), store) for entry in manifest.stages.values()}
        fetched, there = _artifacts(trees, store, remote, told)
        store.keep_plan(plan)
        for record in new:
            store.finish(record)
        checked(manifest, store)
    settled = _settle(written, manifest, store, store.layout.runs / name, remote)
    return Shared(run=name, manifest=settled, files=len(fetched), bytes=sum(fetched), there=there)


@contextmanager
def _foreign(remote: Remote) -> Generator[None]:
    """What makes no sense is not what was written, where somebody else wrote it.

    Raises: DigestMismatch.
    """
    try:
        yield
    except (BadFile, UnsafePath) as fault:
        raise DigestMismatch(f"what {remote.url} has is not as it was written: {fault.message}", help=_AGAIN) from fault
    except RecursionError as error:
        raise DigestMismatch(f"what {remote.url} has is nested too deep", help=_AGAIN) from error


def _settle(written: bytes, manifest: Manifest, store: Store, folder: Path, remote: Remote) -> Path:
    """Take the decision log, and put a manifest in its place, unless that would lose what is known or was signed here."""
    path, log = folder / "manifest.yaml", Log(store.layout.decisions)
    before, lines = lines_to_pull(log, remote)
    with log.held() if lines or log.path.exists() else nullcontext() as held:  # who signs holds it too
        try:
            lost = _loses(manifests.read(path), manifest)
        except (Usage, BadFile):  # there is none, or none that says anything
            lost = False
        if lost:
            raise Usage(f"{path} says more of the run than {remote.url} does", help="push the run from here first")
        if held is not None:
            if len(held.entries) != before:
                raise Usage("the decision log has grown meanwhile", help="pull again")
            held.take(lines)
        if not (folder / "plan.json").exists():
            write_atomically(folder / "plan.json", plans.dump(store.plan(manifest.plan)).encode())
        write_atomically(path, written)
    return path


def _loses(kept: Manifest, new: Manifest) -> bool:
    """Whether a manifest lacks a stage or an override that another one of the same run has."""
    return bool(kept.stages.keys() - new.stages.keys()) or any(signed not in new.overrides for signed in kept.overrides)


def _not_less(manifest: Manifest, inside: str, remote: Remote) -> None:
    """Raises: Usage if the manifest that is there says more of the run than this one; DigestMismatch if it is none."""
    written = remote.read(inside)
    if written is None:
        return
    with _foreign(remote):
        there = manifests.parse(written, Path(inside))
    if _loses(there, manifest):
        raise Usage(f"{remote.url} says more of this run than is known here", help="pull the run first")


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
    """Upload a blob; its size, or None if it is there.

    Raises: DigestMismatch if there is something else in its place.
    """
    file = store.blob(entry)
    there = remote.size(_inside(store, file))
    if there == entry.size:
        return None
    if there is not None:
        raise DigestMismatch(f"`{_inside(store, file)}` in {remote.url} has {there} bytes, it should have {entry.size}", help=_AGAIN)
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
        size = remote.size(_inside(store, file))
        if size is None:
            raise DigestMismatch(f"`{entry.path}` ({short(entry.digest)}) is gone from {remote.url}", help=_AGAIN)
        if size != entry.size:
            raise DigestMismatch(f"`{entry.path}` in {remote.url} has {size} bytes, it should have {entry.size}", help=_AGAIN)
        remote.fetch(_inside(store, file), draft)
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
    plan = plans.parse(text, where=where)
    if plan.digest != manifest.plan or plans.respell(text) != text:
        raise DigestMismatch(f"{where} is not as it was written", help=_AGAIN)
    return portable(plan)  # nobody else says what is imported from where here


def _record(store: Store, remote: Remote, stage: str, entry: StageEntry) -> Record | None:
    """The record of a stage; None if it is here.

    Raises: DigestMismatch; Usage if the store has another one.
    """
    here = store.record(entry.action)
    if here is None:
        file = store.record_file(entry.action)
        record = records.parse(_read(remote, file, store), where=f"`{_inside(store, file)}` in {remote.url}")
        key = plans.definition(record.type, record.version, record.fields, record.inputs)
        if (key, record.key, record.digest, record.output) != (entry.action, entry.action, entry.record, entry.output_hash):
            raise DigestMismatch(f"the record of `{stage}` in {remote.url} is not the one that its manifest names", help=_AGAIN)
        return record
    if here.digest != entry.record:
        raise Usage(f"this store has a record of `{stage}` of its own", help="pull into another folder with `--store`")
    return None
