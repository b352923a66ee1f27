"""One file of many, in one spelling: a compressed tar whose first member is an index of all the others.

    index.json            the path, the length and the digest of every member, in the order in which they follow
    manifest.yaml ...     each a plain file, owned by nobody, of no time

The index says what every byte of the tar must be, so reading is comparing: a header that is not the one that the index asks for
is refused without being looked into, be it a link, a device, a path that leads elsewhere, a second member of one name or
a size that is another one. Nothing is held in memory but the index.
Source of the format: POSIX.1-1988 ustar; sizes from 8 GiB on as GNU tar spells them.
"""

import gzip
import importlib
import os
import sys
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import attrs

from pipeline_dsl.base.digest import Hasher, short
from pipeline_dsl.base.fault import DigestMismatch, Usage
from pipeline_dsl.store.files import raise_if_full
from pipeline_dsl.store.tree import Entry

INDEX = "index.json"
SUFFIXES = (".tar.zst", ".tar.gz")
MAX_INDEX = 128 * 2**20

_BLOCK = 512
_PIECE = 2**20
_USTAR_LIMIT = 8**11
_GZIP = bytes.fromhex("1f8b08000000000000ff")  # no name, no time, of no system
_ZSTD = bytes.fromhex("28b52ffd")
_WINDOW = 27  # at most 128 MiB of memory to unpack, whatever the file asks for

Told = Callable[[int], None]
"""Told how many more bytes are done."""


@attrs.frozen
class Member:
    """A file of an archive and where its bytes are now."""

    entry: Entry
    data: bytes | Path


def is_archive(path: Path) -> bool:
    """Whether a file is called an archive, or begins as one does.

    Raises: Usage if it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_GZIP))
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}") from error
    return path.name.endswith(SUFFIXES) or head.startswith((_GZIP[:2], _ZSTD))


def write(path: Path, index: bytes, members: Iterable[Member], told: Told) -> None:
    """Write an archive, whole or not at all; the same members give the same tar.

    Raises: Usage if there is no such folder; DigestMismatch if a file is not what its entry says; StoreFull.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("xb") as raw:
            with _packing(raw, path) as stream:
                stream.write(header(INDEX, len(index)) + index + _padding(len(index)))
                for member in members:
                    stream.write(header(member.entry.path, member.entry.size))
                    for piece in _verified(member.entry, _pieces(member)):
                        stream.write(piece)
                        told(len(piece))
                    stream.write(_padding(member.entry.size))
                stream.write(_END)
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(path)
    except OSError as error:
        raise_if_full(error, path)
        raise Usage(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def header(path: str, size: int) -> bytes:
    """The header of a member: nothing in it depends on who writes it, or when.

    Raises: Usage if the path is too long for the format.
    """
    info = tarfile.TarInfo(path)
    info.size = size
    try:
        block = info.tobuf(tarfile.USTAR_FORMAT if size < _USTAR_LIMIT else tarfile.GNU_FORMAT, "utf-8", "strict")
    except (ValueError, UnicodeError) as error:
        raise Usage(f"{path!r:.200} cannot stand in an archive: {error}", help="shorten the path") from error
    if len(block) != _BLOCK:
        raise Usage(f"{path!r:.200} cannot stand in an archive: it is too long", help="shorten the path")
    return block


class Archive:
    """An archive that is being read, from its index to its end, each byte once."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self.index = self._index()

    def take(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of the next member, which has to be this one; take all of them.

        Raises: DigestMismatch, with or after the last of them.
        """
        self._header(entry)
        yield from _verified(entry, self._read(entry.size, entry.path), self._path)
        self._pad(entry.size, entry.path)

    def end(self) -> None:
        """Make sure that nothing follows.

        Raises: DigestMismatch.
        """
        if self._stream.read(len(_END) + 1) != _END:
            raise self._refused("something follows its last member")

    def _index(self) -> bytes:
        block = self._stream.read(_BLOCK)
        try:
            size = tarfile.TarInfo.frombuf(block, "utf-8", "strict").size
        except (tarfile.TarError, UnicodeError) as error:
            raise DigestMismatch(f"{self._path} is no bundle: {error}", help=_HELP) from error
        if not 0 <= size <= MAX_INDEX or block != header(INDEX, size):
            raise DigestMismatch(f"{self._path} is no bundle: it does not begin with its index", help=_HELP)
        index = b"".join(self._read(size, INDEX))
        self._pad(size, INDEX)
        return index

    def _header(self, entry: Entry) -> None:
        block = self._stream.read(_BLOCK)
        try:
            wanted = header(entry.path, entry.size)
        except Usage as fault:
            raise self._refused(fault.message) from fault
        if block != wanted:
            raise self._refused(f"{_said(block)} stands where its index has `{entry.path}`, {entry.size} bytes")

    def _read(self, size: int, path: str) -> Iterator[bytes]:
        while size:
            piece = self._stream.read(min(size, _PIECE))
            if not piece:
                raise self._refused(f"it ends in the middle of `{path}`")
            size -= len(piece)
            yield piece

    def _pad(self, size: int, path: str) -> None:
        if self._stream.read(-size % _BLOCK) != _padding(size):
            raise self._refused(f"`{path}` is longer than its index says")

    def _refused(self, what: str) -> DigestMismatch:
        return DigestMismatch(f"{self._path} is not as it was written: {what}", help=_HELP)


@contextmanager
def opened(path: Path) -> Generator[Archive]:
    """An archive, to be read from its begin to its end. Read it to the end: the compression's own sum stands there.

    Raises: DigestMismatch if it is none, or damaged; Usage if the library for it is not installed.
    """
    with path.open("rb") as raw:
        head = raw.read(len(_GZIP))
        raw.seek(0)
        if head != _GZIP and not head.startswith(_ZSTD):
            raise DigestMismatch(f"{path} is no bundle: it is not packed as one", help=_HELP)
        try:
            with gzip.GzipFile(fileobj=raw) if head == _GZIP else _zstd(raw, "rb") as stream:
                yield Archive(cast(BinaryIO, stream), path)
        except (OSError, EOFError, zlib.error, *_zstd_errors(head)) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the archive's
                raise
            raise DigestMismatch(f"{path} is damaged or cut short: {error}", help=_HELP) from error


_END = bytes(2 * _BLOCK)
_HELP = "write it anew with `pdsl bundle`, or fetch it again"


def _pieces(member: Member) -> Iterator[bytes]:
    if isinstance(member.data, bytes):
        yield member.data
        return
    with member.data.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _verified(entry: Entry, pieces: Iterable[bytes], where: Path | None = None) -> Iterator[bytes]:
    """The pieces, none beyond the length that the entry has.

    Raises: DigestMismatch once they are not the entry's.
    """
    hasher, left = Hasher(entry.size), entry.size
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            break
        hasher.update(piece)
        yield piece
    found = hasher.digest()
    if left or found != entry.digest:
        inside = f" in {where}" if where else ""
        raise DigestMismatch(f"`{entry.path}`{inside} is not {short(entry.digest)}, {entry.size} bytes", help="" if where else _AGAIN)


_AGAIN = "`pdsl store verify` names what is damaged"


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _said(block: bytes) -> str:
    """What a header that is not the one expected is of, for a message."""
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "backslashreplace")
    except tarfile.TarError:
        return "something that is no member"
    kinds = {tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a hard link", tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
    kinds |= {tarfile.FIFOTYPE: "a pipe", tarfile.DIRTYPE: "a folder"}
    what = "a file" if info.isreg() else kinds.get(info.type, "a member of another kind")
    return f"{what}, {info.name!r:.100} of {info.size} bytes,"


@contextmanager
def _packing(raw: BinaryIO, path: Path) -> Generator[BinaryIO]:
    """A stream that compresses, as the name of the file asks.

    Raises: Usage if the library is not installed.
    """
    if path.name.endswith(".tar.gz"):
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as stream:
            yield cast(BinaryIO, stream)
    else:
        with _zstd(raw, "wb") as stream:
            yield stream


def _library() -> Any:
    """Zstandard, which Python has from 3.14 on.

    Raises: Usage if the library is not installed.
    """
    try:
        return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ModuleNotFoundError as error:
        raise Usage(
            "`.tar.zst` needs `backports.zstd`, which is not installed", help="pip install 'pdsl[bundle]', or write a `.tar.gz`"
        ) from error


def _zstd(raw: BinaryIO, mode: str) -> Any:
    zstd = _library()
    if mode == "rb":
        return zstd.ZstdFile(raw, mode, options={zstd.DecompressionParameter.window_log_max: _WINDOW})
    options = {zstd.CompressionParameter.compression_level: 3, zstd.CompressionParameter.checksum_flag: 1}
    return zstd.ZstdFile(raw, mode, options=options)


def _zstd_errors(head: bytes) -> tuple[type[Exception], ...]:
    return (_library().ZstdError,) if head.startswith(_ZSTD) else ()
