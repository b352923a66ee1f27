"""One diagnostic, four printers: text for people, JSON, GitHub annotations and SARIF for programs."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

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
    lines = [f"{red}{diagnostic.severity}[{diagnostic.code}]{off}{bold}: {_tame(diagnostic.message)}{off}"]
    if diagnostic.span:
        lines += _excerpt(diagnostic.span, diagnostic.label, red, blue, off)
    for related in diagnostic.related:
        lines += _excerpt(related.span, related.text, blue, blue, off)
    if diagnostic.help:
        lines.append(f"{bold}help{off}: {_tame(diagnostic.help)}; see `pdsl explain {diagnostic.code}`")
    return "\n".join(lines)


def _tame(value: str) -> str:
    """`value` without the characters that would command a terminal."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: repr(found.group())[1:-1], value)


def _excerpt(span: Span, label: str, mark: str, blue: str, off: str) -> list[str]:
    where = f"{blue} -->{off} {relative(span.file)}:{span.line}:{span.column + 1}"
    line = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", source_line(span.file, span.line))
    if not line:
        return [f"{where} {label}".rstrip()]
    end = span.end_column if span.end_line == span.line and span.end_column > span.column else len(line)
    number = str(span.line)
    bar = f"{blue}{' ' * len(number)} |{off}"
    # tabs stay tabs and wide letters are as wide, so that the caret stands under what it means
    lead = "".join("\t" if letter == "\t" else " " * _width(letter) for letter in line[: span.column])
    carets = "^" * max(1, sum(map(_width, line[span.column : end].rstrip())))
    return [where, bar, f"{blue}{number} |{off} {line}", f"{bar} {lead}{mark}{carets} {label}{off}".rstrip()]


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


def as_json(found: Sequence[Diagnostic]) -> str:
    """Findings as one JSON document."""
    return _text(json.dumps({"version": 1, "diagnostics": [_data(diagnostic) for diagnostic in found]}, indent=1, ensure_ascii=False))


def _data(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "span": _span(diagnostic.span) if diagnostic.span else None,
        "related": [{"text": related.text, "span": _span(related.span)} for related in diagnostic.related],
        "help": diagnostic.help,
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "file": relative(span.file),
        "line": span.line,
        "column": span.column + 1,
        "end_line": span.end_line or span.line,
        "end_column": span.end_column + 1,
    }


def as_github(found: Sequence[Diagnostic]) -> str:
    """Findings as GitHub workflow commands, one a line."""
    lines: list[str] = []
    for diagnostic in found:
        place = ""
        if diagnostic.span:
            file, span = _escape(relative(diagnostic.span.file), True), diagnostic.span
            place = f" file={file},line={span.line},col={span.column + 1},title={diagnostic.code}"
        body = diagnostic.message + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")
        lines.append(f"::{diagnostic.severity}{place}::{_escape(body, False)}")
    return _text("\n".join(lines))


def _text(value: str) -> str:
    """`value` as Unicode text: half a surrogate pair, which a string of Python may hold, is escaped."""
    return value.encode(errors="backslashreplace").decode()


def _escape(value: str, is_property: bool) -> str:
    value = value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return value.replace(":", "%3A").replace(",", "%2C") if is_property else value


def as_sarif(found: Sequence[Diagnostic]) -> str:
    """Findings as a SARIF 2.1.0 log."""
    results = [
        {
            "ruleId": diagnostic.code,
            "level": str(diagnostic.severity),
            "message": {"text": diagnostic.message + (f"\n{diagnostic.help}" if diagnostic.help else "")},
            "locations": [_location(diagnostic.span)] if diagnostic.span else [],
            "relatedLocations": [{**_location(related.span), "message": {"text": related.text}} for related in diagnostic.related],
        }
        for diagnostic in found
    ]
    rules = [_rule(code) for code in sorted({diagnostic.code for diagnostic in found})]
    run = {"tool": {"driver": {"name": "pdsl", "rules": rules}}, "results": results, "columnKind": "unicodeCodePoints"}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return _text(json.dumps(log, indent=1, ensure_ascii=False))


def _rule(code: str) -> dict[str, Any]:
    from pipeline_dsl.compiler.catalogue import catalogue  # it imports more than a check needs

    entry = catalogue().get(code)
    return {"id": code, "shortDescription": {"text": entry.first_line}, "fullDescription": {"text": entry.text}} if entry else {"id": code}


def _location(span: Span) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column + 1}
    if span.end_line:
        region |= {"endLine": span.end_line, "endColumn": span.end_column + 1}
    path = Path(relative(span.file))
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
