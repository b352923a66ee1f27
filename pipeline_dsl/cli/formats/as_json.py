"""Findings as one JSON document of our own."""

import json
from collections.abc import Sequence
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.cli.formats.places import text_of
from pipeline_dsl.cli.report import relative


def printed(found: Sequence[Diagnostic]) -> str:
    """`{"version": 1, "diagnostics": [...]}`. Lines and columns count from 1, columns in characters, ends are exclusive."""
    return text_of(json.dumps({"version": 1, "diagnostics": [data(diagnostic) for diagnostic in found]}, indent=1, ensure_ascii=False))


def data(diagnostic: Diagnostic) -> dict[str, Any]:
    """One finding."""
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "label": diagnostic.label,
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
