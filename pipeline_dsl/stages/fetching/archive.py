"""Archives taken apart without trusting them: no path leaves the folder, no link, no device, no bomb."""

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import attrs

from pipeline_dsl.base.fault import BadFile, StageFailed, UnsafePath
from pipeline_dsl.stages.fetching.patterns import is_notice, matches, unmatched


@attrs.frozen
class Member:
    """One entry of an archive: its path there, its length when unpacked, whether it is a plain file, how to read it."""

    path: str
    size: int
    plain: bool
    open: Callable[[], IO[bytes] | None]


@contextmanager
def members(archive: Path) -> Generator[list[Member]]:
    """The entries of a tar or zip archive that are no folders, readable while the context lasts.

    Raises: BadFile if it is neither, or cut short.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                yield [_zipped(file, info) for info in file.infolist() if not info.is_dir()]
        else:
            with tarfile.open(archive) as file:
                yield [_tarred(file, info) for info in file.getmembers() if not info.isdir()]
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadFile(f"`{archive.name}` is no readable archive: {error}") from error


def extract(archive: Path, patterns: Sequence[str], into: Path, *, strip: int = 0, limit: int) -> list[str]:
    """Write the files that fit `patterns`, and the legal notices, below `into`; their paths, sorted.

    `strip` leaves out that many leading folders of each path. `limit` bounds the bytes written.
    Raises: UnsafePath for a path or an entry that is no plain file below `into`; StageFailed if a pattern fits nothing, or
    past the limit; BadFile.
    """
    with members(archive) as found:
        named = {"/".join(PurePosixPath(member.path).parts[strip:]): member for member in found}
        missing = unmatched(patterns, named)
        if missing:
            some = ", ".join(sorted(named)[:12])
            raise StageFailed(f"no file of `{archive.name}` fits `{missing[0]}`", help=f"it holds {len(named)} files: {some} ...")
        kept = sorted(path for path in named if is_notice(path) or any(matches(path, pattern) for pattern in patterns))
        left = limit
        for path in kept:
            left -= named[path].size
            if left < 0:
                raise StageFailed(f"`{archive.name}` unpacks to more than {limit:,} bytes", help="raise `limit` if that is meant")
            _write(named[path], into / safe(path))
    return kept


def safe(path: str) -> PurePosixPath:
    """`path` as a relative path that stays where it is put.

    Raises: UnsafePath.
    """
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise UnsafePath(f"`{path}` does not stay inside the folder it is unpacked to", help="the archive is not to be trusted")
    return pure


def _write(member: Member, target: Path) -> None:
    stream = member.open() if member.plain else None
    if stream is None:
        raise UnsafePath(f"`{member.path}` is a link or a device, not a file", help="leave it out of `files`")
    target.parent.mkdir(parents=True, exist_ok=True)
    with stream, target.open("xb") as file:
        shutil.copyfileobj(stream, file, 2**20)
    if target.stat().st_size != member.size:
        raise BadFile(f"`{member.path}` is {target.stat().st_size} bytes, the archive says {member.size}")


def _tarred(file: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    return Member(info.name, info.size, info.isreg(), lambda: file.extractfile(info))


def _zipped(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    plain = not stat.S_ISLNK(info.external_attr >> 16)
    return Member(info.filename, info.file_size, plain, lambda: file.open(info))
