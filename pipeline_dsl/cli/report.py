"""Findings as a person reads them. What programs read is made in `cli/formats/`, from the same diagnostics."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.span import Span, source_line

_RED, _YELLOW, _BLUE, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"


def print_text(found: Sequence[Diagnostic], stream: TextIO) -> None:
    """Print findings with their source lines and carets; in colour on a terminal only."""
    colour = stream.isatty() and "NO_COLOR" not in os.environ
    for diagnostic in found:
        printed = text(diagnostic, colour=colour)
        encoding = stream.encoding or "utf-8"
        print(printed.encode(encoding, "backslashreplace").decode(encoding), file=stream)  # whatever a value or a source line holds
        print(file=stream)


def text(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """One finding as a person reads it."""
    red = (_RED if diagnostic.severity is Severity.ERROR else _YELLOW) if colour else ""
    bold, blue, off = (_BOLD, _BLUE, _OFF) if colour else ("", "", "")
    lines = [f"{red}{diagnostic.severity}[{diagnostic.code}]{off}{bold}: {tame(diagnostic.message)}{off}"]
    if diagnostic.span:
        lines += _excerpt(diagnostic.span, diagnostic.label, red, blue, off)
    for related in diagnostic.related:
        lines += _excerpt(related.span, related.text, blue, blue, off)
    if diagnostic.help:
        lines.append(f"{bold}help{off}: {tame(diagnostic.help)}; see `pdsl explain {diagnostic.code}`")
    return "\n".join(lines)


_COMMANDING = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
"""Characters that would command a terminal, or turn the direction of what it shows."""


def tame(value: str) -> str:
    """`value` without the characters that would command a terminal."""
    return _COMMANDING.sub(lambda found: found.group().encode("unicode_escape").decode(), value)


_BREAKING = re.compile("[\\x09\\x0a\\u2028\\u2029\\ud800-\\udfff]")
"""What would end a line or a column, and halves of surrogate pairs, which no encoding has."""


def tame_line(value: str) -> str:
    """The same of what has to stay on its line."""
    return _BREAKING.sub(lambda found: found.group().encode("unicode_escape").decode(), tame(value))


def _excerpt(span: Span, label: str, mark: str, blue: str, off: str) -> list[str]:
    where = f"{blue} -->{off} {relative(span.file)}:{span.line}:{span.column + 1}"
    line = _COMMANDING.sub("\N{REPLACEMENT CHARACTER}", source_line(span.file, span.line))
    if not line:
        return [f"{where} {label}".rstrip()]
    end = span.end_column if span.end_line == span.line and span.end_column > span.column else len(line)
    span, end, line = _window(span, end, line)
    number = str(span.line)
    bar = f"{blue}{' ' * len(number)} |{off}"
    # tabs stay tabs and wide letters are as wide, so that the caret stands under what it means
    lead = "".join("\t" if letter == "\t" else " " * _width(letter) for letter in line[: span.column])
    carets = "^" * max(1, sum(map(_width, line[span.column : end].rstrip())))
    return [where, bar, f"{blue}{number} |{off} {line}", f"{bar} {lead}{mark}{carets} {label}{off}".rstrip()]


_WIDEST = 240
"""Letters of a line that are shown; of a longer one, those around its fault."""


def _window(span: Span, end: int, line: str) -> tuple[Span, int, str]:
    """The part of a line that is shown, with the span and its end moved into it."""
    if len(line) <= _WIDEST:
        return span, end, line
    start = max(0, min(span.column - 80, len(line) - _WIDEST))
    moved = attrs.evolve(span, column=span.column - start)
    return moved, min(end - start, _WIDEST), line[start : start + _WIDEST]


def _width(letter: str) -> int:
    """The columns of a terminal that a letter takes: two for most of East Asia's, none for an accent that is set on another."""
    if letter.isascii():
        return 1
    import unicodedata

    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def relative(file: str) -> str:
    """A path as seen from here, if it is below here."""
    path = Path(file)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return file
