"""Reviews as text, JSON, Markdown for a pull request, and SARIF."""

import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.units import dollars
from pipeline_dsl.cli.formats import as_json, sarif
from pipeline_dsl.cli.formats.markdown import code, escaped
from pipeline_dsl.cli.formats.places import text_of
from pipeline_dsl.cli.report import relative, text
from pipeline_dsl.compiler.catalogue import catalogue
from pipeline_dsl.compiler.review.review import Review


def printed(reviews: Sequence[Review], format: str) -> str:
    """Reviews in a format, as a text that ends with its line."""
    if format == "sarif":
        return sarif.printed([finding for review in reviews for finding in review.findings]) + "\n"
    return {"json": _json, "markdown": _markdown}.get(format, _text)(reviews)


def _whole(reviews: Sequence[Review]) -> str:
    return "REFUSE" if any(review.verdict == "REFUSE" for review in reviews) else "APPROVE"


def _counts(review: Review) -> str:
    errors, warnings = review.errors, len(review.findings) - review.errors
    said = [f"{count} {word}{'s' * (count != 1)}" for count, word in ((errors, "error"), (warnings, "warning")) if count]
    return ", ".join(said) or "nothing to report"


def _about(review: Review) -> str:
    """What was reviewed, in a few words."""
    if not review.stages:
        return "no manifest"
    cost = "" if review.cost_usd is None else f", {dollars(review.cost_usd)}"
    ships = f"ships {review.ships}" if review.ships else "ships nothing"
    return f"{review.pipeline}, {review.status}: {review.stages} stages, {review.gates} gates, {ships}{cost}"


def _text(reviews: Sequence[Review]) -> str:
    out = io.StringIO()
    colour = sys.stdout.isatty()
    for review in reviews:
        for finding in review.findings:
            out.write(text(finding, colour=colour) + (_NEW if review.is_new(finding) else "") + "\n\n")
        broken = " (its hash chain is broken)" if review.broken else ""
        out.write(f"{review.verdict} {relative(review.file)}: {_counts(review)}{broken}\n  {_about(review)}\n")
    if len(reviews) > 1:
        refused = sum(review.verdict == "REFUSE" for review in reviews)
        out.write(f"{_whole(reviews)}: {len(reviews)} manifests, {refused} refused\n")
    return text_of(out.getvalue())


_NEW = "\nnew: on a line that the diff changes"


def _json(reviews: Sequence[Review]) -> str:
    data = {"version": 1, "verdict": _whole(reviews), "reviews": [_data(review) for review in reviews]}
    return text_of(json.dumps(data, indent=1, ensure_ascii=False)) + "\n"


def _data(review: Review) -> dict[str, Any]:
    return {
        "file": relative(review.file),
        "verdict": review.verdict,
        "chain": "broken" if review.broken else "whole",
        "pipeline": review.pipeline,
        "status": review.status,
        "stages": review.stages,
        "gates": review.gates,
        "ships": review.ships,
        "cost_usd": review.cost_usd,
        "diagnostics": [{**as_json.data(finding), "new": review.is_new(finding)} for finding in review.findings],
    }


def _markdown(reviews: Sequence[Review]) -> str:
    lines: list[str] = []
    for review in reviews:
        lines += [f"## {review.verdict}: {code(relative(review.file))}", "", f"{_plain(_about(review))}. {_counts(review).capitalize()}."]
        if review.broken:
            lines += ["", "**The hash chain is broken**: something was edited since it was written."]
        if review.findings:
            lines += ["", "| | Line | Code | What is so | What to do |", "| --- | --- | --- | --- | --- |"]
            lines += [_row(review, finding) for finding in review.findings]
        lines.append("")
    return text_of("\n".join(lines))


def _row(review: Review, finding: Diagnostic) -> str:
    sign = "error" if finding.severity is Severity.ERROR else "warning"
    line = f"{finding.span.line}{' (new)' if review.is_new(finding) else ''}" if finding.span else ""
    entry = catalogue().get(finding.code)
    title = f" {entry.title}" if entry else ""
    return f"| {sign} | {line} | {finding.code}{title} | {_plain(finding.message)} | {_plain(finding.help)} |"


def _plain(value: str) -> str:
    """A text in a cell of a table: what Markdown or HTML would read as their own is escaped; code in backticks stays code."""
    parts = " ".join(value.split()).split("`")
    if len(parts) % 2 == 0:  # a backtick without its other half opens nothing
        parts = [" ".join(parts)]
    return "".join(code(part) if place % 2 else escaped(part) for place, part in enumerate(parts))
