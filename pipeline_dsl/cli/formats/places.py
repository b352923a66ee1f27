"""Where a finding is, as programs that compare it with a repository want to be told."""

import os
from pathlib import Path

from pipeline_dsl.base.span import Span, source_line


def root() -> Path:
    """The folder that paths are told from: the repository that this folder is in, else this folder itself."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def path_below(folder: Path, file: str) -> str | None:
    """The path of a file from `folder`, with slashes; None if it is not below it."""
    try:
        return Path(os.path.abspath(file)).relative_to(folder).as_posix()
    except ValueError:
        pass
    try:  # one of the two may have been reached through a link
        return Path(file).resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None


def utf16_columns(span: Span) -> tuple[int, int]:
    """The start and the end of a span in UTF-16 code units, counted from 1, the end exclusive, as editors and web pages count.

    A letter beyond the Basic Multilingual Plane takes two.
    """
    return _units(span.file, span.line, span.column), _units(span.file, span.end_line or span.line, span.end_column)


def _units(file: str, line: int, column: int) -> int:
    before = source_line(file, line)[:column]
    return column + 1 + sum(ord(letter) > 0xFFFF for letter in before)


def text_of(value: str) -> str:
    """`value` as Unicode text: half a surrogate pair, which a string of Python may hold, is escaped."""
    return value.encode(errors="backslashreplace").decode()
