"""Digests: sha256 of bytes, of files and of canonical values.

A file of at most `SHARD` bytes has the sha256 that `sha256sum` prints, spelled `sha256:<hex>`. A larger one is hashed in
shards, on all cores: `sha256-sharded:<hex>` is the sha256 of its shards' binary sha256, in order. The two never mix,
since the length of a file decides which one it has.
"""

import hashlib
import os
from pathlib import Path
from typing import NewType

from pipeline_dsl.base.canonical import spell

Digest = NewType("Digest", str)
"""`algorithm:hex`, whole; shortened only where a person reads it."""

SHARD = 64 * 2**20
"""Bytes a shard. Part of the meaning of `sha256-sharded`: it never changes."""

_BUFFER = 2**18  # fits the second-level cache, so that bytes are hashed where they were read to


def digest_bytes(data: bytes) -> Digest:
    """The digest of `data`, which is held in memory and therefore small."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def digest_plain(data: object) -> Digest:
    """The digest of JSON data in its canonical spelling."""
    return digest_bytes(spell(data))


def digest_file(path: Path) -> Digest:
    """The digest of a file's bytes, read once; large files use every core this process may use.

    Raises: OSError.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        if size <= SHARD:
            return Digest("sha256:" + _range(descriptor, 0, size).hex())

        from concurrent.futures import ThreadPoolExecutor  # which brings `logging`: no need of a check

        def shard(start: int) -> bytes:
            return _range(descriptor, start, min(SHARD, size - start))

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            shards = pool.map(shard, range(0, size, SHARD))
            return Digest("sha256-sharded:" + hashlib.sha256(b"".join(shards)).hexdigest())
    finally:
        os.close(descriptor)


def _range(descriptor: int, start: int, length: int) -> bytes:
    """Binary sha256 of `length` bytes at `start`; shorter if the file ends there."""
    state = hashlib.sha256()
    buffer = bytearray(min(_BUFFER, max(length, 1)))
    view = memoryview(buffer)
    end = start + length
    while start < end:
        got = os.preadv(descriptor, [view[: end - start]], start)
        if not got:
            break
        state.update(view[:got])
        start += got
    return state.digest()


class Hasher:
    """The digest of bytes that come in pieces. How many there will be is said before, since it decides the algorithm."""

    def __init__(self, size: int) -> None:
        self._sharded = size > SHARD
        self._shards = hashlib.sha256()
        self._state = hashlib.sha256()
        self._left = SHARD

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        rest = memoryview(data)
        while self._sharded and len(rest) >= self._left:
            self._state.update(rest[: self._left])
            self._shards.update(self._state.digest())
            self._state, rest, self._left = hashlib.sha256(), rest[self._left :], SHARD
        self._state.update(rest)
        self._left -= len(rest)

    def digest(self) -> Digest:
        """What `digest_file` says of a file of these bytes."""
        if not self._sharded:
            return Digest("sha256:" + self._state.hexdigest())
        whole = self._shards.copy()
        if self._left < SHARD:
            whole.update(self._state.digest())
        return Digest("sha256-sharded:" + whole.hexdigest())


def short(digest: str) -> str:
    """A digest as a person reads it: `sha256:9f3c12ab`."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}"
