"""The content-addressed store, in a folder.

    blobs/9f/3c12...     one file's bytes, by their digest
    trees/ab/40ff...     one artifact, by the digest of its canonical JSON
    actions/07/11c0...   one action record, by its action key; written last
    plans/5e/9a21...     one plan, by its digest

Everything is written once, by an atomic rename, and never changed. A stat cache beside the store remembers what each blob
looked like when its digest was last true, so that nothing is read again that was not touched.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import attrs

from pipeline_dsl.base.digest import Digest, digest_bytes, digest_file, short
from pipeline_dsl.base.fault import BadFile, DigestMismatch, Fault, MissingArtifact
from pipeline_dsl.lang.measure import Score
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.store import record as records
from pipeline_dsl.store.files import raise_if_full, write_atomically
from pipeline_dsl.store.layout import Layout, tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.tree import Entry, Tree, files_under, parse, safe_path


@attrs.frozen
class Damage:
    """A file of the store that is not what its name says."""

    path: Path
    fault: str


class Store:
    """What a project has made."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._root = layout.store

    # Artifacts

    def add(self, folder: Path, *, kind: str, meta: Mapping[str, Any], scores: Mapping[str, Score]) -> Digest:
        """Take the files of `folder` as an artifact; they are moved, not copied, and `folder` is left without them.

        Raises: UnsafePath; StoreFull.
        """
        entries: list[Entry] = []
        for inside, file in files_under(folder):
            entries.append(self._add_blob(file, inside))
        tree = Tree(kind=kind, files=tuple(entries), meta=meta, scores=scores)
        path = self._path("trees", tree.digest)
        if not path.exists() or path.read_bytes() != tree.spelled():
            write_atomically(path, tree.spelled())
        self._remember(tree.digest, {entry.digest: _look(self.blob(entry)) for entry in entries})
        return tree.digest

    def _add_blob(self, file: Path, inside: str) -> Entry:
        try:
            if file.stat().st_nlink > 1:  # under its other names, it could still be written to
                _unlink_others(file)
            file.chmod(0o444)
            size, digest = file.stat().st_size, digest_file(file)
            path = self._path("blobs", digest)
            if path.exists() and path.stat().st_size == size and digest_file(path) == digest:
                file.unlink()
                return Entry(inside, size, digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
            file.replace(path)
        except OSError as error:
            raise_if_full(error, file)
            raise
        return Entry(inside, size, digest)

    def tree(self, digest: str) -> Tree:
        """The artifact called `digest`.

        Raises: MissingArtifact; DigestMismatch if the store's entry was changed; UnsafePath if a path in it leads out of it.
        """
        path = self._path("trees", digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise MissingArtifact(f"the store has no artifact {short(digest)}", help="run the pipeline to make it again") from error
        if digest_bytes(data) != digest:
            raise DigestMismatch(f"{path} is {short(digest_bytes(data))}, it should be {short(digest)}", help=records.DAMAGED)
        return parse(data, where=str(path))

    def blob(self, entry: Entry) -> Path:
        """The file that holds an entry's bytes."""
        return self._path("blobs", entry.digest)

    def open_folder(self, digest: str, folder: Path) -> None:
        """Make `folder` show the artifact's files, as links into the store. Verify the artifact first."""
        for entry in self.tree(digest).files:
            target = folder / safe_path(entry.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(self.blob(entry).resolve())

    def verify(self, digest: str, *, read: bool = True) -> Tree:
        """Make sure that the artifact is whole, and return it.

        With `read`, every byte is hashed again. Without, files that look as they did when they were last hashed are trusted,
        which opens none of them.
        Raises: MissingArtifact; DigestMismatch, naming the file.
        """
        tree = self.tree(digest)
        known = {} if read else self._remembered(digest)
        looks: dict[str, list[int]] = {}
        for entry in tree.files:
            path = self.blob(entry)
            try:
                seen = _look(path)
            except OSError as error:
                raise MissingArtifact(f"`{entry.path}` of {short(digest)} is gone from the store ({path})", help=records.DAMAGED) from error
            looks[entry.digest] = seen  # from before it is read: what changes meanwhile is read again next time
            if known.get(entry.digest) == seen:
                continue
            found = digest_file(path)
            if found != entry.digest:
                raise DigestMismatch(
                    f"`{entry.path}` of the {tree.kind} {short(digest)} is corrupt: "
                    f"{path} is {short(found)}, it should be {short(entry.digest)}",
                    help=records.DAMAGED,
                )
        if looks != known:
            self._remember(digest, looks)
        return tree

    # Records and plans

    def record(self, key: str) -> Record | None:
        """The record of an action, if it was ever finished here.

        Raises: DigestMismatch if it was changed since.
        """
        path = self._path("actions", key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DigestMismatch(f"the record {path} cannot be read: {error.strerror}", help=records.DAMAGED) from error
        record = records.parse(data, where=str(path))
        if record.key != key or plans.definition(record.type, record.version, record.fields, record.inputs) != key:
            raise DigestMismatch(f"{path} records another action, {short(record.key)}", help=records.DAMAGED)
        return record

    def finish(self, record: Record) -> None:
        """Write an action's record: from now on its artifact is found."""
        write_atomically(self._path("actions", record.key), records.dump(record))

    def keep_plan(self, plan: plans.Plan) -> None:
        """Keep a plan, so that a manifest that names it can be judged."""
        try:
            self.plan(plan.digest)
        except Fault:  # not there, or damaged
            write_atomically(self._path("plans", plan.digest), plans.dump(plan).encode())

    def plan(self, digest: str) -> plans.Plan:
        """The plan called `digest`.

        Raises: MissingArtifact; DigestMismatch.
        """
        path = self._path("plans", digest)
        if not path.exists():
            raise MissingArtifact(
                f"the store has no plan {short(digest)}", help="gate the manifest with the store of the run that wrote it"
            )
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            plan = plans.parse(text, where=str(path))
        except OSError as error:
            raise DigestMismatch(f"the plan {path} cannot be read: {error.strerror}") from error
        except BadFile as error:
            raise DigestMismatch(f"the plan {path} is damaged: {error.message}") from error
        if plan.digest != digest or plans.respell(text) != text:
            raise DigestMismatch(f"{path} is not the plan {short(digest)} as it was written")
        return plan

    def records(self) -> Iterator[Record]:
        """Every finished action, in the order of their keys.

        Raises: DigestMismatch.
        """
        for path in self.files("actions"):
            record = self.record(self.named(path))
            if record:
                yield record

    # The whole

    def damage(self) -> Iterator[Damage]:
        """Read everything, and report each file that is not what its name says."""
        for path in self.files("blobs"):
            try:
                found = digest_file(path)
            except OSError as error:
                yield Damage(path, f"it cannot be read: {error.strerror}")
                continue
            if found != self.named(path):
                yield Damage(path, f"its bytes are {short(found)}")
        for path in self.files("trees"):
            try:
                self._whole(self.named(path))
            except Fault as fault:
                yield Damage(path, fault.message)
        for path in self.files("actions"):
            try:
                record = self.record(self.named(path))
                if record and not self._path("trees", record.output).exists():
                    yield Damage(path, f"the artifact {short(record.output)} that it records is gone")
            except Fault as fault:
                yield Damage(path, fault.message)
        for path in self.files("plans"):
            try:
                self.plan(self.named(path))
            except Fault as fault:
                yield Damage(path, fault.message)

    def _whole(self, digest: str) -> None:
        for entry in self.tree(digest).files:
            if not self.blob(entry).exists():
                raise MissingArtifact(f"`{entry.path}` ({short(entry.digest)}) is gone")

    # Paths and the stat cache

    def _path(self, folder: str, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        if algorithm not in _ALGORITHMS or len(value) != 64 or not set(value) <= _HEX:
            raise BadFile(f"{digest!r:.100} is no digest")
        head = value[:2] if algorithm == "sha256" else f"{algorithm}-{value[:2]}"
        return self._root / folder / head / value[2:]

    def files(self, folder: str) -> Iterator[Path]:
        """The files of one of the store's folders, in the order of their digests; those half-written are left out."""
        for path in sorted((self._root / folder).glob("*/*")):
            if not path.name.startswith("."):
                yield path

    def named(self, path: Path) -> str:
        """The digest that a file of the store is named after."""
        algorithm, _, head = path.parent.name.rpartition("-")
        return f"{algorithm or 'sha256'}:{head}{path.name}"

    def tree_file(self, digest: str) -> Path:
        """The file that holds an artifact's tree."""
        return self._path("trees", digest)

    def plan_file(self, digest: str) -> Path:
        """The file that holds a plan."""
        return self._path("plans", digest)

    def record_file(self, key: str) -> Path:
        """The file that holds an action's record."""
        return self._path("actions", key)

    def _remember(self, digest: str, looks: Mapping[str, list[int]]) -> None:
        with contextlib.suppress(OSError):  # a store that may only be read: its bytes are read again the next time
            write_atomically(self.layout.stats / tail(digest), json.dumps(looks).encode())

    def _remembered(self, digest: str) -> dict[str, list[int]]:
        try:
            found = json.loads((self.layout.stats / tail(digest)).read_bytes())
        except (OSError, ValueError):
            return {}
        return cast("dict[str, list[int]]", found) if isinstance(found, dict) else {}

    def forget_work(self, key: str) -> None:
        """Remove the working folder of an action that is finished."""
        shutil.rmtree(self.layout.stage(key), ignore_errors=True)


_HEX = frozenset("0123456789abcdef")
_ALGORITHMS = frozenset({"sha256", "sha256-sharded"})


def _unlink_others(file: Path) -> None:
    """Put a copy of a file in its place, of which no other name is known."""
    copy = file.with_name(f".{file.name}.copy")
    shutil.copyfile(file, copy)
    copy.replace(file)


def _look(path: Path) -> list[int]:
    """What a file looks like without opening it: length, times in nanoseconds, inode."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
