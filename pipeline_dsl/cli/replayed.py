"""What a replay came to: the verdict on all of it, and the page that a person reads."""

from collections.abc import Sequence
from pathlib import Path

from pipeline_dsl.base.digest import short
from pipeline_dsl.runner.deviation import Deviation
from pipeline_dsl.runner.original import Original
from pipeline_dsl.runner.replay import Result

FINE = ("bit-identical", "reproduced", "the same")
"""The verdicts that are no findings."""


def verdict_of(deviations: Sequence[Deviation], results: Sequence[Result], *, ran: bool) -> str:
    """The worst of what is the case; without a run, whether anything beside the hardware is otherwise."""
    found = {result.status for result in results}
    if any(item.decisive for item in deviations):
        found.add("different")
    if not ran:
        return "different" if any(not item.listed_only for item in deviations) else "the same"
    order = ("failed", "different", "not reproduced", "not replayed", "reproduced")
    return next((status for status in order if status in found), "bit-identical")


def page(
    recorded: Original, bundle: str | None, deviations: Sequence[Deviation], results: Sequence[Result], verdict: str, folder: Path | None
) -> str:
    """The deviations, a line a stage, and the verdict; `bundle` is the digest of the bundle, `folder` where the report lies."""
    lines = [f"{recorded.plan.pipeline}, plan {short(recorded.plan.digest)}" + (f", bundle {bundle}" if bundle else "")]
    lines += [f"  {item}" for item in deviations]
    if not deviations:
        lines.append("  the same code, libraries, Python, pdsl and hardware as in the run")
    width = max((len(result.stage) for result in results), default=0)
    for result in results:
        lines.append(f"  {result.stage:<{width}}  {result.status:<14}  {_about(result)}".rstrip())
    if recorded.manifest.pending:
        lines.append(f"  the run did not get to {', '.join(recorded.manifest.pending)}")
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
