"""Writing a file so that it is there whole or not at all."""

import errno
import os
from pathlib import Path

from pipeline_dsl.base.fault import StoreFull


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step: a reader, or a crash at any moment, sees the old file or the new one.

    Raises: StoreFull if the disk is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise_if_full(error, path)
        raise


def raise_if_full(error: OSError, path: Path) -> None:
    """Turn "no space left" into a fault that says so; leave every other error to the caller.

    Raises: StoreFull.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):  # the disk, a quota, or a limit of the process
        raise StoreFull(
            f"no space left to write {path}", help="free some space, or run `pdsl store gc`; nothing in the store is wrong"
        ) from error
