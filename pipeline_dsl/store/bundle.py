"""A bundle: one run in one file, for somebody who has nothing of it.

    manifest.yaml         as the run wrote it
    plan.json             without the folder, the clusters and the settings of the machine that compiled it
    decisions.jsonl       the decision log, if there is one
    records/ trees/       what is recorded of each stage, and of each artifact
    blobs/                the files of artifacts
    source/               the project's own modules that the pipeline and its stages are imported from

What an environment variable holds is never read here, so it is never in a bundle.

A bundle is evidence and lets nothing out: no gate is asked, since a held run is what others most want to look into. With all
artifacts it has the weights, as the store has; what serves or exports asks the gate of the unpacked run as of any other.
"""

import collections
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.digest import Digest, digest_bytes, digest_plain, short
from pipeline_dsl.base.fault import BadFile, DigestMismatch, Fault, MissingArtifact, StoreFull, Usage
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan, portable
from pipeline_dsl.store import archive, manifest as manifests, record as records
from pipeline_dsl.store.archive import Member, Told
from pipeline_dsl.store.files import raise_if_full
from pipeline_dsl.store.layout import Layout, tail
from pipeline_dsl.store.manifest import Manifest
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Entry, Tree

SCHEMA = 1

Held = Literal["all", "inputs", "none"]
"""Which artifacts' files a bundle has: all, those of stages that read no other, or none."""


@attrs.frozen(kw_only=True)
class Index:
    """What a bundle says of itself. `files` are all that follow, in their order."""

    schema: int = SCHEMA
    pdsl: str
    pipeline: str
    plan: str
    module: str
    """The module that declares the pipeline; empty where that is not known."""
    artifacts: Held
    libraries: Mapping[str, tuple[str, ...]]
    """The versions that stages ran with, by the library's name."""
    distributions: Mapping[str, str]
    """The versions of the installed packages that stage types come from, beside pdsl; their source is not in the bundle."""
    source: Mapping[str, str]
    """The code of each file of `source/`, spelled as records spell that of stages."""
    files: tuple[Entry, ...]

    @property
    def digest(self) -> Digest:
        """What the bundle is called; it changes with any byte in it."""
        return digest_plain(unstructure(self))

    def spelled(self) -> bytes:
        """The bytes of its file, which names its own digest."""
        return spell({"digest": self.digest, "index": unstructure(self)})


@attrs.frozen(kw_only=True)
class Sources:
    """The modules of a project, by their path inside its folder: their bytes, and the digests of their code."""

    files: Mapping[str, bytes] = {}
    code: Mapping[str, str] = {}
    distributions: Mapping[str, str] = {}


@attrs.frozen(kw_only=True)
class Content:
    """What goes into a bundle."""

    manifest: Manifest
    written: bytes
    """The manifest's file."""
    plan: Plan
    records: Mapping[str, Record]
    """By the names of the stages."""
    store: Store
    sources: Sources
    log: bytes | None = None


@attrs.frozen(kw_only=True)
class Bundle:
    """A bundle that was read: every byte of it is what its index says."""

    index: Index
    folder: Path

    @property
    def store(self) -> Store:
        """Its records and artifacts."""
        return Store(Layout(self.folder / _ORIGINAL))

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.folder / "manifest.yaml"

    @property
    def source(self) -> Path:
        """The folder that its modules would be imported from."""
        return self.folder / "source"


def index_of(content: Content, held: Held, pdsl: str) -> tuple[Index, list[Member]]:
    """The index of a bundle, and its members.

    Raises: MissingArtifact or DigestMismatch, if the store lacks what the manifest names.
    """
    members = sorted(_members(content, held), key=lambda member: member.entry.path.encode())
    stages = content.records.values()
    libraries = {
        name: {record.libraries[name] for record in stages if name in record.libraries} for record in stages for name in record.libraries
    }
    index = Index(
        pdsl=pdsl,
        pipeline=content.plan.pipeline,
        plan=content.plan.digest,
        module=content.plan.module,
        artifacts=held,
        libraries={name: tuple(sorted(versions)) for name, versions in libraries.items()},
        distributions=content.sources.distributions,
        source=content.sources.code,
        files=tuple(member.entry for member in members),
    )
    return index, members


def _members(content: Content, held: Held) -> Iterator[Member]:
    yield _small("manifest.yaml", content.written)
    yield _small("plan.json", plans.dump(portable(content.plan)).encode())
    if content.log is not None:
        yield _small("decisions.jsonl", content.log)
    for path, data in content.sources.files.items():
        yield _small(f"source/{path}", data)
    for record in {record.key: record for record in content.records.values()}.values():
        yield _small(f"records/{tail(record.key)}.json", records.dump(record))
    leaves = {name for name in content.records if not any(content.plan.stage(name).parents)}
    trees: dict[str, Tree] = {}
    blobs: dict[str, Member] = {}
    for name, record in content.records.items():
        tree = trees[record.output] = content.store.tree(record.output)
        if held == "all" or (held == "inputs" and name in leaves):
            for entry in tree.files:
                place = Entry(f"blobs/{entry.digest.replace(':', '/')}", entry.size, entry.digest)
                blobs[entry.digest] = Member(place, _present(content.store.blob(entry), name))
    for digest, tree in trees.items():
        yield _small(f"trees/{tail(digest)}.json", tree.spelled())
    yield from blobs.values()


def _present(path: Path, name: str) -> Path:
    if not path.is_file():
        raise MissingArtifact(
            f"a file of `{name}` is gone from the store ({path})", help="run the pipeline to make it again, or bundle `--without-artifacts`"
        )
    return path


def _small(path: str, data: bytes) -> Member:
    return Member(Entry(path, len(data), digest_bytes(data)), data)


def read(path: Path, folder: Path, told: Told, *, artifacts: bool = True) -> Bundle:
    """Unpack a bundle into an empty folder, every byte held to the index; without `artifacts`, their files are read and not kept.

    Raises: DigestMismatch if it is none, or if anything in it is not what it should be; StoreFull.
    """
    try:
        with archive.opened(path) as packed:
            index = _index(packed.index, path)
            _room(index, folder, path)
            for entry in index.files:
                place, pieces = _place(entry, folder, path), _told(packed.take(entry), told)
                if artifacts or not entry.path.startswith("blobs/"):
                    _keep(pieces, place)
                else:
                    collections.deque(pieces, maxlen=0)
            packed.end()
    except OSError as error:
        raise_if_full(error, folder)
        raise DigestMismatch(f"{path} cannot be unpacked: {error.strerror or error}") from error
    _whole(index, folder, path)
    return Bundle(index=index, folder=folder)


def _index(data: bytes, path: Path) -> Index:
    try:
        found = json.loads(data)
        schema = found["index"]["schema"]
        if schema != SCHEMA:
            raise Usage(f"{path} is a bundle of format {schema!r:.20}, this pdsl reads format {SCHEMA}")
        index = structure(found["index"], Index, what="it")
        same = index.spelled() == data
    except (ValueError, KeyError, TypeError, RecursionError, BadFile) as error:
        raise DigestMismatch(f"the index of {path} is damaged: {error}") from error
    paths = [entry.path.encode() for entry in index.files]
    if not same or paths != sorted(set(paths)) or any(entry.size < 0 for entry in index.files):
        raise DigestMismatch(f"the index of {path} is not as it was written")
    return index


def _room(index: Index, folder: Path, path: Path) -> None:
    """Refuse what does not fit before any of it is written, and what no honest archive unpacks to.

    Raises: DigestMismatch; StoreFull.
    """
    total, packed = sum(entry.size for entry in index.files), path.stat().st_size
    if total > _RATIO * packed + 2**26:
        raise DigestMismatch(f"{path} says that its {packed} bytes unpack to {total}, which no run's do")
    free = shutil.disk_usage(folder).free
    if total > free:
        raise StoreFull(f"{path} unpacks to {total} bytes, {folder} has room for {free}", help="unpack it elsewhere: `--into DIR`")


_RATIO = 2000
"""Times that an archive may be smaller than what is in it. Deflate reaches 1032."""


def _place(entry: Entry, folder: Path, path: Path) -> Path:
    """Where a member goes: nothing in its path is taken over but digests and names of modules."""
    store = Store(Layout(folder / _ORIGINAL))
    what, _, rest = entry.path.partition("/")
    if entry.path in ("manifest.yaml", "plan.json") and entry.size <= _SMALL:
        return folder / entry.path
    if entry.path == "decisions.jsonl" and entry.size <= _SMALL:
        return store.layout.decisions
    if what in ("records", "trees") and _HEX.fullmatch(rest) and entry.size <= _SMALL:
        digest = f"sha256:{rest.removesuffix('.json')}"
        if what == "records":
            return store.record_file(digest)
        if digest == entry.digest:
            return store.tree_file(digest)
    if what == "blobs" and rest.replace("/", ":") == entry.digest and _DIGEST.fullmatch(entry.digest):
        return store.blob(entry)
    if what == "source" and entry.size <= _SMALL and _is_module(rest):
        return folder / "source" / rest
    raise DigestMismatch(f"{path} has `{entry.path[:200]}`, which is no part of a bundle")


_ORIGINAL = "original"
_SMALL = 2**28
_HEX = re.compile(r"[0-9a-f]{64}\.json")
_DIGEST = re.compile(r"sha256(-sharded)?:[0-9a-f]{64}")


def _is_module(path: str) -> bool:
    """Whether a path is that of a module that Python could import by its name."""
    parts = path.removesuffix(".py").split("/")
    return path.endswith(".py") and all(part.isidentifier() for part in parts)


def _keep(pieces: Iterable[bytes], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as stream:
        for piece in pieces:
            stream.write(piece)
    place.chmod(0o444)


def _told(pieces: Iterable[bytes], told: Told) -> Iterator[bytes]:
    for piece in pieces:
        told(len(piece))
        yield piece


def _whole(index: Index, folder: Path, path: Path) -> None:
    """Hold the plan and the manifest to the index, records and artifacts to what they are named, and let the plan be found by its digest.

    Raises: DigestMismatch.
    """
    try:
        plan = plans.read(folder / "plan.json")
        manifest = manifests.read(folder / "manifest.yaml")
    except (Usage, BadFile) as fault:
        raise DigestMismatch(f"{path} holds no run: {fault.message}") from fault
    if not index.plan == plan.digest == manifest.plan:
        raise DigestMismatch(
            f"{path}: the plan is {short(plan.digest)}, its index says {short(index.plan)}, its manifest {short(manifest.plan)}"
        )
    store = Store(Layout(folder / _ORIGINAL))
    store.keep_plan(plan)
    for entry in index.files:
        what, _, name = entry.path.partition("/")
        digest = f"sha256:{name.removesuffix('.json')}"
        try:
            if what == "records":
                store.record(digest)
            elif what == "trees":
                store.tree(digest)
        except (Fault, ValueError, TypeError, KeyError, RecursionError) as error:
            reason = error.message if isinstance(error, Fault) else str(error)
            raise DigestMismatch(f"`{entry.path}` in {path} is not what it should be: {reason}") from error
