"""Findings as a SARIF 2.1.0 log, which code scanning services and editors read.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01", sections 3.14 (run), 3.19 (tool),
3.27 (result), 3.30 (region) and 3.49 (rules).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline_dsl.base.diagnostic import Diagnostic, Related
from pipeline_dsl.base.span import Span
from pipeline_dsl.cli.formats.places import path_below, root, text_of, utf16_columns
from pipeline_dsl.compiler.catalogue import catalogue

_BASE = "%SRCROOT%"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def printed(found: Sequence[Diagnostic]) -> str:
    """The log of one run. It names no folder of this machine, but where a file lies outside of the repository."""
    codes = sorted({diagnostic.code for diagnostic in found})
    run = {
        "tool": {"driver": {"name": "pdsl", "rules": [_rule(code) for code in codes]}},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The repository, or the folder that was checked in."}}},
        "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in found],
    }
    return text_of(json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False))


def _rule(code: str) -> dict[str, Any]:
    """A code with all that `pdsl explain` knows of it, for a reader who has only the log."""
    entry = catalogue().get(code)
    if entry is None:
        return {"id": code}
    examples = [(title, text) for title, text in (("Refused", entry.bad), ("Accepted", entry.good)) if text]
    plain = "\n\n".join([entry.text, *(f"{title}:\n{text}" for title, text in examples)])
    markdown = "\n\n".join([entry.text, *(f"{title}:\n\n```python\n{text}\n```" for title, text in examples)])
    return {
        "id": code,
        "name": entry.title,
        "shortDescription": {"text": entry.first_line},
        "fullDescription": {"text": entry.text},
        "help": {"text": plain, "markdown": markdown},
        "defaultConfiguration": {"level": "warning" if entry.kind == "warning" else "error"},
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": str(diagnostic.severity),
        "message": {"text": diagnostic.message + (f"\n{diagnostic.help}" if diagnostic.help else "")},
        "locations": [_location(diagnostic.span)] if diagnostic.span else [],
    }
    if diagnostic.related:
        result["relatedLocations"] = [_related(number, related) for number, related in enumerate(diagnostic.related, start=1)]
    return result


def _related(number: int, related: Related) -> dict[str, Any]:
    return {"id": number, **_location(related.span), "message": {"text": related.text}}


def _location(span: Span) -> dict[str, Any]:
    region = {"startLine": span.line}
    if span.end_line:
        start, end = utf16_columns(span)
        region |= {"startColumn": start, "endLine": span.end_line, "endColumn": end}
    return {"physicalLocation": {"artifactLocation": _artifact(span.file), "region": region}}


def _artifact(file: str) -> dict[str, str]:
    below = path_below(root(), file)
    return {"uri": quote(below), "uriBaseId": _BASE} if below is not None else {"uri": Path(file).absolute().as_uri()}
