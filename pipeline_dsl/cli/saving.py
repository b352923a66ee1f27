"""Writing a file where somebody asked for it."""

from pathlib import Path

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.store.files import write_atomically


def save(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, and the folders that it lies in.

    Raises: Usage if that is no place for a file; StoreFull.
    """
    if path.is_dir():
        raise Usage(f"{path} is a folder", help="name a file")
    try:
        write_atomically(path, data)
    except OSError as error:
        raise Usage(f"cannot write {path}: {error.strerror}") from error
