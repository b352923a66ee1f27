"""The decision log: who let what out, one JSON line an entry, each with the digest of the one before.

    {"digest":"sha256:9f3c...","entry":{"before":"sha256:11c0...","by":"...","facts":{...},"kind":"override","number":7,"time":"..."}}

A line that was changed, moved or dropped breaks the chain where it stood. Lines that are gone from the end are missed by those
who remember them: each override in a manifest names its line, each signature covers the last line that its signer saw, and
`pdsl log --head DIGEST` asks for a line that was noted elsewhere.

Who can write to the store can write another log, whole in itself: only what is kept elsewhere shows that.
"""

import fcntl
import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.digest import Digest, digest_plain
from pipeline_dsl.base.fault import BadFile, LogBroken, Usage
from pipeline_dsl.store.files import raise_if_full

_KEPT = "keep the file as it is, and compare it with a copy; `pdsl explain PDSL407` says what the log promises"


@attrs.frozen(kw_only=True)
class Entry:
    """One decision. `number` counts from 1; `before` is the digest of the entry before, None for the first; `time` is UTC, ISO 8601;
    `by` is who ran the command, as they say."""

    number: int
    before: str | None
    time: str
    by: str
    kind: str
    facts: Mapping[str, Any]

    @property
    def digest(self) -> Digest:
        """What the next entry calls this one."""
        return digest_plain(unstructure(self))

    def spelled(self) -> bytes:
        """Its line, without the end of it."""
        return spell({"digest": self.digest, "entry": unstructure(self)})


@attrs.frozen
class Broken:
    """Where a log stops to be what was written: the number of the line, and what is wrong with it."""

    line: int
    fault: str
    torn: bool = False
    """Whether it is only the last line, cut short: what a crash, or a full disk, leaves."""


class Log:
    """The decision log in a file, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in order, the chain verified.

        Raises: LogBroken, naming the first line that is not as it was written.
        """
        found, broken = self.sound()
        if broken:
            raise self._fault(broken)
        return found

    def sound(self) -> tuple[tuple[Entry, ...], Broken | None]:
        """The entries before the first line that is not as it was written, and which one that is."""
        try:
            stream = self.path.open("rb")
        except FileNotFoundError:
            return (), None
        except OSError as error:
            raise LogBroken(f"the decision log {self.path} cannot be read: {error.strerror}") from error
        with stream:
            fcntl.flock(stream, fcntl.LOCK_SH)
            return _chain(stream.read())

    @contextmanager
    def held(self) -> "Generator[Appender]":
        """The log, verified and locked against everybody else who would append.

        Raises: LogBroken; StoreFull; Usage if it may not be written.
        """
        with self._locked() as stream:
            found, broken = _chain(stream.readall())
            if broken:
                raise self._fault(broken)
            yield Appender(stream, list(found), self.path)

    def repair(self, *, time: str, by: str) -> int:
        """Cut off a last line that was not written to its end, and note it; returns the bytes that went, 0 where the log is whole.

        Raises: LogBroken if anything else is wrong with the log; StoreFull; Usage if it may not be written.
        """
        with self._locked() as stream:
            data = stream.readall()
            found, broken = _chain(data)
            if broken is None:
                return 0
            if not broken.torn:
                raise self._fault(broken)
            whole = data.rfind(b"\n") + 1
            stream.truncate(whole)
            rest = data[whole:]
            facts = {"bytes": len(rest), "text": rest.decode("utf-8", "replace")}
            Appender(stream, list(found), self.path).append("repair", facts, time=time, by=by)
            return len(rest)

    @contextmanager
    def _locked(self) -> Generator[FileIO]:
        """The file, at its begin, with nobody else reading or writing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            stream = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise_if_full(error, self.path)
            help = "nothing is let out unlogged: make it writable"
            raise Usage(f"the decision log {self.path} cannot be written: {error.strerror}", help=help) from error
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            yield stream

    def _fault(self, broken: Broken) -> LogBroken:
        help = "`pdsl log --repair` cuts the rest of the line off, and notes that" if broken.torn else _KEPT
        return LogBroken(f"the decision log {self.path} is broken at line {broken.line}: {broken.fault}", help=help)


class Appender:
    """A log that this process holds."""

    def __init__(self, stream: FileIO, entries: list[Entry], path: Path) -> None:
        self.entries = entries
        self._stream = stream
        self._path = path

    def append(self, kind: str, facts: Mapping[str, Any], *, time: str, by: str) -> Entry:
        """Write an entry; when this returns, it is on the disk.

        Raises: StoreFull; then the log is as it was.
        """
        before = self.entries[-1].digest if self.entries else None
        entry = Entry(number=len(self.entries) + 1, before=before, time=time, by=by, kind=kind, facts=facts)
        self._write(entry)
        return entry

    def take(self, lines: Sequence[bytes]) -> None:
        """Write what another copy of this log has more: lines that have to follow the last one here.

        Raises: LogBroken if they do not; then nothing is written. StoreFull.
        """
        found, broken = _chain(b"\n".join([*(entry.spelled() for entry in self.entries), *lines, b""]))
        if broken:
            raise LogBroken(f"line {broken.line} does not follow the decision log {self._path}: {broken.fault}", help=_KEPT)
        for entry in found[len(self.entries) :]:
            self._write(entry)

    def _write(self, entry: Entry) -> None:
        line = entry.spelled() + b"\n"
        end = self._stream.seek(0, os.SEEK_END)
        try:
            if self._stream.write(line) != len(line):
                raise OSError(28, "No space left on device")
            os.fsync(self._stream.fileno())
            if end == 0:
                _sync_folder(self._path.parent)
        except OSError as error:
            self._stream.truncate(end)
            raise_if_full(error, self._path)
            raise
        self.entries.append(entry)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _chain(data: bytes) -> tuple[tuple[Entry, ...], Broken | None]:
    """The entries that hold together from the first on, and the first line that does not."""
    found: list[Entry] = []
    lines = data.split(b"\n")
    rest = lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            entry = _parsed(line)
        except (ValueError, KeyError, TypeError, RecursionError, BadFile) as error:
            return tuple(found), Broken(number, f"it is not what was written ({' '.join(str(error).split())[:120]})")
        before = found[-1].digest if found else None
        if entry.before != before or entry.number != number:
            return tuple(found), Broken(number, f"it is entry {entry.number}, and does not follow the line before it: one is lost or moved")
        found.append(entry)
    return tuple(found), Broken(len(lines) + 1, "it is cut short", torn=True) if rest else None


def _parsed(line: bytes) -> Entry:
    data = json.loads(line)
    entry = structure(data["entry"], Entry, what="the entry")
    if line != entry.spelled():
        raise ValueError("its digest is of another entry")
    return entry
