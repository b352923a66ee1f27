"""Which checkpoints of an interrupted training can be trusted.

A checkpoint is many files from many ranks. One is complete once `complete.json` stands in it, written last and listing
every file with its length; whatever has no such list, or does not match it, was cut short.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline_dsl.ml.rank import write_whole

_MARK = "complete.json"
_PREFIX = "checkpoint-"


def seal(checkpoint: Path) -> None:
    """Declare a checkpoint complete. Call once, after every rank has closed its files."""
    write_whole(checkpoint / _MARK, {"files": _lengths(checkpoint)})


def is_complete(checkpoint: Path) -> bool:
    """Whether every file that the checkpoint was sealed with is there at its full length."""
    try:
        sealed: Any = json.loads((checkpoint / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(sealed == {"files": _lengths(checkpoint)})


def discard_incomplete(folder: Path) -> None:
    """Remove what was cut short, so that nothing written later mixes with it. One process does it, before any looks."""
    for checkpoint in _all(folder):
        if not is_complete(checkpoint):
            shutil.rmtree(checkpoint)


def newest(folder: Path) -> Path | None:
    """The complete checkpoint in `folder` with the most steps, or None."""
    return max(filter(is_complete, _all(folder)), key=_step, default=None)


def _all(folder: Path) -> list[Path]:
    return list(folder.glob(f"{_PREFIX}*"))


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(_PREFIX))


def _lengths(checkpoint: Path) -> dict[str, int]:
    files = (path for path in checkpoint.rglob("*") if path.is_file() and path.name != _MARK and not path.name.startswith(f"{_MARK}."))
    return {path.relative_to(checkpoint).as_posix(): path.stat().st_size for path in files}
