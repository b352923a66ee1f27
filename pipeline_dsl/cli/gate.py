"""`pdsl gate`: SHIP, or HOLD with what holds."""

import json as codec
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import Exit
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, find_manifest, open_store
from pipeline_dsl.gates.verdict import Row, Run, Verdict, judge
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

ManifestArgument = Annotated[Path | None, typer.Argument(help="The run's manifest.yaml; without one, the run written last.")]
BaselineOption = Annotated[Path | None, typer.Option("--baseline", help="The manifest of a shipped run, for gates on `baseline`.")]


@app.command()
def gate(
    manifest: ManifestArgument = None,
    baseline: BaselineOption = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run: SHIP, or HOLD with each failing gate's value, threshold and evidence.

    Values and differences to the baseline have 95% intervals in brackets; `within its noise` says that the interval holds the
    threshold. A gate is on the value alone. Numbers are read from the store by digest, never from the manifest. Exits 0 for SHIP,
    3 for HOLD, 4 if anything in the chain from plan to evidence is not what its digest says.

    Example: pdsl gate .pdsl/runs/tiny-0a1b2c3d4e5f/manifest.yaml
    """
    verdict = judge_manifest(find_manifest(manifest, store), baseline, open_store(store))
    if json:
        data = {"version": 1, "verdict": "SHIP" if verdict.ship else "HOLD", "digest": verdict.digest, **unstructure(verdict)}
        print(codec.dumps(data, indent=1))
    else:
        sys.stdout.write(text(verdict))
    if not verdict.ship:
        raise typer.Exit(int(Exit.HOLD))


def judge_manifest(path: Path, baseline: Path | None, store: Store) -> Verdict:
    """The verdict on a manifest file.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact.
    """
    run = open_run(path, store)
    declared = run.plan.baseline.manifest if run.plan.baseline else None
    against = baseline or (Path(declared) if declared else None)
    return judge(run, open_run(against, store) if against else None)


def open_run(path: Path, store: Store) -> Run:
    """A manifest with its plan and its store.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact.
    """
    manifest = manifests.read(path)
    return Run(manifest=manifest, plan=store.plan(manifest.plan), store=store)


def text(verdict: Verdict) -> str:
    """A verdict as a person reads it: the decision first, then what decided it."""
    failing = [row for row in verdict.rows if row.result != "pass"]
    if verdict.ship:
        lines = [f"SHIP: {verdict.pipeline}, all {len(verdict.rows)} gates pass"]
    else:
        lines = [
            "HOLD: " + "; ".join([*verdict.reasons, *(row.metric + (" failed" if row.result == "fail" else " unknown") for row in failing)])
        ]
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*(_cells(row) for row in verdict.rows), strict=True)]
    for row in sorted(verdict.rows, key=lambda row: row.result == "pass"):
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(_cells(row), widths, strict=True))
        lines.append(f"  {cells}  {row.reason or _noise(row)}".rstrip())
    artifact = f", artifact {short(verdict.artifact)}" if verdict.artifact else ""
    lines.append(f"plan {short(verdict.plan)}{artifact}, verdict {short(verdict.digest)}")
    return "\n".join(lines) + "\n"


def _noise(row: Row) -> str:
    return "within its noise" if row.resolved is False else ""


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    value = "unknown" if row.value is None else f"{row.value:.4g}"
    value += _range(row.interval)
    level = "unknown" if row.threshold is None else f"{row.operator} {row.threshold:.4g}"
    if row.baseline is not None:
        level += f" (baseline {row.baseline:.4g})"
    if row.difference is not None:
        level += f", {row.difference.value:+.3g}{_range(row.difference.interval)}{' paired' if row.difference.paired else ''}"
    return row.result, row.metric, f"{value} {row.unit}", level, f"evidence {short(row.evidence)}" if row.evidence else ""


def _range(interval: tuple[float, float] | None) -> str:
    return f" [{interval[0]:.3g}, {interval[1]:.3g}]" if interval else ""
