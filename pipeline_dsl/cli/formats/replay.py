"""What a replay came to, as text for a terminal and as JSON for a program."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.runner.deviation import Deviation
from pipeline_dsl.runner.preparation import Preparation
from pipeline_dsl.runner.replay import Outcome, Result

FINE = ("bit-identical", "reproduced", "the same")
"""The verdicts that are no findings."""


def as_data(prepared: Preparation, path: Path, outcome: Outcome | None, folder: Path | None) -> dict[str, Any]:
    """A replay as plain data; `outcome` is None if nothing was run, `folder` if nothing was made."""
    results = outcome.results if outcome else ()
    verdict = _verdict(prepared.deviations, results, ran=outcome is not None)
    return {
        "version": 1,
        "run": str(path),
        "bundle": prepared.bundle.index.digest if prepared.bundle else None,
        "plan": prepared.original.plan.digest,
        "folder": str(folder) if folder else None,
        "verdict": "interrupted" if outcome and outcome.interrupted else verdict,
        "deviations": [{**unstructure(item), "decisive": item.decisive} for item in prepared.deviations],
        "results": [unstructure(result) for result in results],
    }


def _verdict(deviations: Sequence[Deviation], results: Sequence[Result], *, ran: bool) -> str:
    """The worst of what is the case; without a run, whether anything beside the hardware is otherwise."""
    found = {result.status for result in results}
    if any(item.decisive for item in deviations):
        found.add("different")
    if not ran:
        return "different" if any(not item.listed_only for item in deviations) else "the same"
    order = ("failed", "different", "not reproduced", "not replayed", "reproduced")
    return next((status for status in order if status in found), "bit-identical")


def as_text(prepared: Preparation, verdict: str, results: Sequence[Result], folder: Path | None) -> str:
    """The deviations, a line a stage, and the verdict; `folder` is where the report lies."""
    plan, deviations = prepared.original.plan, prepared.deviations
    lines = [f"{plan.pipeline}, plan {short(plan.digest)}" + (f", bundle {prepared.bundle.index.digest}" if prepared.bundle else "")]
    lines += [f"  {item}" for item in deviations]
    if not deviations:
        lines.append("  the same code, libraries, Python, pdsl and hardware as in the run")
    width = max((len(result.stage) for result in results), default=0)
    for result in results:
        lines.append(f"  {result.stage:<{width}}  {result.status:<14}  {_about(result)}".rstrip())
    if prepared.original.manifest.pending:
        lines.append(f"  the run did not get to {', '.join(prepared.original.manifest.pending)}")
    counts = {status: sum(result.status == status for result in results) for status in dict.fromkeys(result.status for result in results)}
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    lines.append(f"{verdict}: {said}. report: {folder / 'replay.json'}" if folder else verdict)
    return "\n".join(lines)


def _about(result: Result) -> str:
    parts = [result.reason] if result.reason else [str(measure) for measure in result.measures]
    if result.status == "bit-identical":
        parts = [short(result.recorded)]
    if result.inputs == "replayed":
        parts.append("it read what was made again, for what it read in the run is not at hand")
    return "; ".join(parts)
