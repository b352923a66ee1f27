"""`pdsl gate`: SHIP, or HOLD with what holds."""

import json as codec
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import Exit
from pipeline_dsl.cli import spans
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.cli.report import tame
from pipeline_dsl.gates.contamination import has_contaminated
from pipeline_dsl.gates.decision import Decision, decide_run
from pipeline_dsl.gates.override import Standing
from pipeline_dsl.gates.policy import HERE, find_policy
from pipeline_dsl.gates.verdict import Row, Run, Verdict, judge
from pipeline_dsl.runner.machine import is_uncommitted
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

ManifestArgument = Annotated[Path | None, typer.Argument(help="The run's manifest.yaml; without one, the run written last.")]
BaselineOption = Annotated[Path | None, typer.Option("--baseline", help="The manifest of a shipped run, for gates on `baseline`.")]


@app.command()
def gate(
    manifest: ManifestArgument = None,
    baseline: BaselineOption = None,
    policy: PolicyOption = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run: SHIP, or HOLD with each failing gate's value, threshold and evidence.

    Values and differences to the baseline have 95% intervals in brackets; `within its noise` says that the interval holds the
    threshold. A gate is on the value alone. Numbers are read from the store by digest, never from the manifest. A gate that a
    reviewer signed an exception to is shown as overridden, by whom, why and until when; see `pdsl override`. Exits 0 for SHIP,
    also by override, 3 for HOLD, 4 if anything in the chain from plan to evidence is not what its digest says, or a signature
    does not match.

    Example: pdsl gate .pdsl/runs/tiny-0a1b2c3d4e5f/manifest.yaml
    """
    decision = decide_manifest(find_manifest(manifest, store), baseline, open_store(store), policy)
    if json:
        print(codec.dumps(data(decision), indent=1))
    else:
        sys.stdout.write(tame(text(decision)))
    if not decision.ships:
        raise typer.Exit(int(Exit.HOLD))


def decide_manifest(path: Path, baseline: Path | None, store: Store, policy: Path | None) -> Decision:
    """The decision on a manifest file, now; a policy is read only where there is something signed.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact; BadSignature; LogBroken.
    """
    return decide_opened(open_run(path, store), baseline, policy)


def decide_opened(run: Run, baseline: Path | None, policy: Path | None) -> Decision:
    """The decision on a run, as `decide_manifest`."""
    verdict = judge_run(run, baseline)
    asks = run.manifest.overrides or has_contaminated(verdict, run.plan.gates)
    known = find_policy(policy) if asks else None
    decision = decide_run(run, verdict, known, datetime.now(UTC))
    file = policy or HERE
    if known is None or not is_uncommitted(file):
        return decision
    return attrs.evolve(decision, notes=(*decision.notes, f"{file} is not as it was committed: nobody may have reviewed it"))


def judge_run(run: Run, baseline: Path | None) -> Verdict:
    """The verdict on a run, against the manifest `baseline` or else the one that its plan names, if that is there: before the first
    release there is none, and gates that compare with it hold.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact.
    """
    declared = run.plan.baseline.manifest if run.plan.baseline else None
    against = baseline or (Path(declared) if declared and Path(declared).exists() else None)
    return judge(run, open_run(against, run.store) if against else None)


def open_run(path: Path, store: Store) -> Run:
    """A manifest with its plan and its store.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact.
    """
    manifest = manifests.read(path)
    return Run(manifest=manifest, plan=store.plan(manifest.plan), store=store)


def data(decision: Decision) -> dict[str, Any]:
    """A decision as programs read it: `verdict` is what the gates say, `decision` what is let out."""
    verdict = decision.verdict
    rows = [
        {
            **unstructure(row),
            "overridden": [_signed(found) for found in decision.overridden.get(index, ())],
            **spans.data(decision, index),
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
    cells = [_cells(row, index in decision.overridden) for index, row in enumerate(verdict.rows)]
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*cells, strict=True)]
    for index in sorted(range(len(cells)), key=lambda index: verdict.rows[index].result == "pass"):
        row = verdict.rows[index]
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells[index], widths, strict=True))
        lines.append(f"  {line}  {row.reason or _noise(row)}".rstrip())
        for found in decision.overridden.get(index, ()):
            what = "bootstrapped" if found.override.gate is None else "overridden"
            lines.append(f"    {what} by {found.person} until {found.override.expires}: {found.override.reason}")
        lines += [f"    {line}" for line in spans.lines(decision, index)]
    lines += [f"note: {note}" for note in decision.notes]
    artifact = f", artifact {short(verdict.artifact)}" if verdict.artifact else ""
    lines.append(f"plan {short(verdict.plan)}{artifact}, verdict {short(verdict.digest)}")
    return "\n".join(lines) + "\n"


def _noise(row: Row) -> str:
    return "within its noise" if row.resolved is False else ""


def _cells(row: Row, overridden: bool) -> tuple[str, str, str, str, str]:
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
    )


def _range(interval: tuple[float, float] | None) -> str:
    return f" [{interval[0]:.3g}, {interval[1]:.3g}]" if interval else ""
