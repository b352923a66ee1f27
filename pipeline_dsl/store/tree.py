"""A tree: an artifact as data. Its digest names everything in it."""

import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.digest import Digest, digest_bytes
from pipeline_dsl.base.fault import BadFile, UnsafePath
from pipeline_dsl.lang.measure import Score


@attrs.frozen
class Entry:
    """One file of an artifact: its path inside it, its length in bytes, and the digest of its bytes."""

    path: str
    size: int
    digest: str


@attrs.frozen(kw_only=True)
class Tree:
    """An artifact: its kind, its files in the order of their paths, its metadata and the scores that gates may read."""

    kind: str
    files: tuple[Entry, ...]
    meta: Mapping[str, Any]
    scores: Mapping[str, Score]

    def spelled(self) -> bytes:
        """The canonical bytes that the tree is stored as."""
        return spell(unstructure(self))

    @property
    def digest(self) -> Digest:
        """What the artifact is called from now on."""
        return digest_bytes(self.spelled())

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)


def parse(data: bytes, *, where: str) -> Tree:
    """The tree in a file's bytes, which somebody held to their digest.

    Raises: BadFile; UnsafePath if a path in it leads out of it.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{where} is no tree: {error}") from error
    tree = structure(found, Tree, what=where)
    for entry in tree.files:
        safe_path(entry.path)
    return tree


def safe_path(path: str) -> PurePosixPath:
    """A path inside an artifact.

    Raises: UnsafePath if it is absolute, leads upwards, or has a part that is no name.
    """
    found = PurePosixPath(path)
    if not path or found.is_absolute() or "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise UnsafePath(f"{path!r} is no path inside an artifact")
    return found


def files_under(folder: Path) -> Iterator[tuple[str, Path]]:
    """The regular files in a folder as (path inside it, file), sorted by path.

    Raises: UnsafePath for links, sockets and devices: bytes that are not in the folder are not in the artifact.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise UnsafePath(f"{folder} is no folder any more", help="fill the folder that the stage was given")
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        mode = path.lstat().st_mode
        inside = path.relative_to(folder).as_posix()
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            what = "a link" if stat.S_ISLNK(mode) else "no regular file"
            raise UnsafePath(f"`{inside}` is {what}", help="copy the bytes into the artifact")
        safe_path(inside)
        yield inside, path
