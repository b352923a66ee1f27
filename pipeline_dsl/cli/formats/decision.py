"""A decision as JSON for a program, and as text for a terminal."""

from typing import Any

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.cli.formats import contamination
from pipeline_dsl.cli.formats.columns import aligned
from pipeline_dsl.gates.decision import Decision
from pipeline_dsl.gates.override import Standing
from pipeline_dsl.gates.verdict import Row


def data(decision: Decision) -> dict[str, Any]:
    """A decision as programs read it: `verdict` is what the gates say, `decision` what is let out."""
    verdict = decision.verdict
    rows = [
        {
            **unstructure(row),
            "overridden": [_signed(found) for found in decision.overridden.get(index, ())],
            **contamination.data(decision, index),
        }
        for index, row in enumerate(verdict.rows)
    ]
    return {
        "version": 1,
        "decision": decision.outcome,
        "verdict": "SHIP" if verdict.ship else "HOLD",
        "digest": verdict.digest,
        **unstructure(verdict),
        "rows": rows,
        "held": list(decision.reasons),
        "notes": list(decision.notes),
        "policy": decision.policy,
    }


def _signed(found: Standing) -> dict[str, Any]:
    override = found.override
    kind = "bootstrap" if override.gate is None else "override"
    return {"kind": kind, "reviewer": found.person, "reason": override.reason, "expires": override.expires, "logged": found.logged}


def text(decision: Decision) -> str:
    """A decision as a person reads it: what is decided first, then what decided it."""
    verdict = decision.verdict
    if decision.outcome == "HOLD":
        lines = ["HOLD: " + "; ".join(decision.reasons)]
    elif decision.outcome == "SHIP":
        lines = [f"SHIP: {verdict.pipeline}, all {len(verdict.rows)} gates pass"]
    else:
        lines = [f"SHIP by override: {verdict.pipeline}, {len(decision.overridden)} of {len(verdict.rows)} gates overridden"]
    rows = aligned([_cells(row, index in decision.overridden) for index, row in enumerate(verdict.rows)])
    for index in sorted(range(len(rows)), key=lambda index: verdict.rows[index].result == "pass"):
        lines.append(f"  {rows[index]}")
        for found in decision.overridden.get(index, ()):
            what = "bootstrapped" if found.override.gate is None else "overridden"
            lines.append(f"    {what} by {found.person} until {found.override.expires}: {found.override.reason}")
        lines += [f"    {line}" for line in contamination.lines(decision, index)]
    lines += [f"note: {note}" for note in decision.notes]
    artifact = f", artifact {short(verdict.artifact)}" if verdict.artifact else ""
    lines.append(f"plan {short(verdict.plan)}{artifact}, verdict {short(verdict.digest)}")
    return "\n".join(lines) + "\n"


def _cells(row: Row, overridden: bool) -> tuple[str, ...]:
    value = "unknown" if row.value is None else f"{row.value:.4g}"
    value += _range(row.interval)
    level = "unknown" if row.threshold is None else f"{row.operator} {row.threshold:.4g}"
    if row.baseline is not None:
        level += f" (baseline {row.baseline:.4g})"
    if row.difference is not None:
        level += f", {row.difference.value:+.3g}{_range(row.difference.interval)}{' paired' if row.difference.paired else ''}"
    return (
        "overridden" if overridden else row.result,
        row.metric,
        f"{value} {row.unit}",
        level,
        f"evidence {short(row.evidence)}" if row.evidence else "",
        row.reason or ("within its noise" if row.resolved is False else ""),
    )


def _range(interval: tuple[float, float] | None) -> str:
    return f" [{interval[0]:.3g}, {interval[1]:.3g}]" if interval else ""
