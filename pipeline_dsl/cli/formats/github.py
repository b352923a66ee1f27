"""Findings as workflow commands, which GitHub Actions shows beside the lines of a pull request.

Source: GitHub Docs, "Workflow commands for GitHub Actions", and `actions/toolkit`, `packages/core/src/command.ts`: a message escapes
`%`, CR and LF, a property also `:` and `,`.
"""

from collections.abc import Sequence

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.cli.formats.places import path_below, root, text_of, utf16_columns


def printed(found: Sequence[Diagnostic]) -> str:
    """One command a line."""
    return text_of("\n".join(_command(diagnostic) for diagnostic in found))


def _command(diagnostic: Diagnostic) -> str:
    properties = {**(_place(diagnostic.span) if diagnostic.span else {}), "title": f"pdsl {diagnostic.code}"}
    said = [diagnostic.message, *(f"{_where(related.span)}: {related.text}" for related in diagnostic.related)]
    said += [f"help: {diagnostic.help}"] if diagnostic.help else []
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{diagnostic.severity} {written}::{_message(chr(10).join(said))}"


def _place(span: Span) -> dict[str, str]:
    """Columns are given only where the span is in one line: GitHub takes them for nothing else."""
    place = {"file": _file(span), "line": str(span.line)}
    if span.end_line > span.line:
        return {**place, "endLine": str(span.end_line)}
    start, end = utf16_columns(span)
    return {**place, "col": str(start), **({"endLine": str(span.line), "endColumn": str(end)} if end > start else {})}


def _file(span: Span) -> str:
    return path_below(root(), span.file) or span.file


def _where(span: Span) -> str:
    return f"{_file(span)}:{span.line}"


def _message(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _message(value).replace(":", "%3A").replace(",", "%2C")
