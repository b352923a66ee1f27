"""`pdsl gate`: SHIP, or HOLD with what holds."""

import json as codec
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import attrs
import typer

from pipeline_dsl.base.fault import Exit
from pipeline_dsl.cli.formats.decision import data, text
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.cli.report import tame
from pipeline_dsl.gates.contamination import has_contaminated
from pipeline_dsl.gates.decision import Decision, decide_run
from pipeline_dsl.gates.policy import HERE, find_policy
from pipeline_dsl.gates.release import NEVER, Earlier, was_let_out
from pipeline_dsl.gates.verdict import Run, Verdict, judge
from pipeline_dsl.runner.machine import is_uncommitted
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

BaselineOption = Annotated[
    Path | None, typer.Option("--baseline", help="The manifest of a run that was exported or served, for gates on `baseline`.")
]


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
    reviewer signed an exception to is shown as overridden, by whom, why and until when; see `pdsl override`. A baseline that was
    never exported or served holds the run; if the plan itself names it, that is noted. Exits 0 for SHIP, also by override, 3 for
    HOLD, 4 if anything in the chain from plan to evidence is not what its digest says, or a signature does not match.

    Example: pdsl gate .pdsl/runs/tiny-0a1b2c3d4e5f/manifest.yaml
    """
    decision = decide_opened(open_run(find_manifest(manifest, store), open_store(store)), baseline, policy)
    if json:
        print(codec.dumps(data(decision), indent=1))
    else:
        sys.stdout.write(tame(text(decision)))
    if not decision.ships:
        raise typer.Exit(int(Exit.HOLD))


def decide_opened(run: Run, baseline: Path | None, policy: Path | None) -> Decision:
    """The decision on a run, now; a policy counts only where there is something signed.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact; BadSignature; LogBroken.
    """
    earlier = find_earlier(run, baseline)
    verdict = judge_against(run, earlier)
    asks = run.manifest.overrides or has_contaminated(verdict, run.plan.gates)
    given = find_policy(policy) if asks or policy else None  # one that is named is read, so that a wrong path does not lie in wait
    known = given if asks else None
    decision = decide_run(run, verdict, known, datetime.now(UTC))
    file = policy or HERE
    odd: list[str] = []
    if earlier and earlier.declared and not earlier.let_out:
        odd.append(f"the baseline that the plan names {NEVER}")
    if known and is_uncommitted(file):
        odd.append(f"{file} is not as it was committed: nobody may have reviewed it")
    return attrs.evolve(decision, notes=(*decision.notes, *odd))


def judge_run(run: Run, baseline: Path | None) -> Verdict:
    """The verdict on a run, against the manifest `baseline` or else the one that its plan names.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact; LogBroken.
    """
    return judge_against(run, find_earlier(run, baseline))


def judge_against(run: Run, earlier: Earlier | None) -> Verdict:
    """The verdict on a run. What the plan names was reviewed with it; a run that somebody names now must have been let out.

    Raises: DigestMismatch; MissingArtifact.
    """
    if earlier is None:
        return judge(run)
    return judge(run, earlier.run, unfit="" if earlier.declared or earlier.let_out else f"the baseline that was given {NEVER}")


def find_earlier(run: Run, given: Path | None) -> Earlier | None:
    """The run that another is compared with: the one that was given or else the one that its plan names, if that is there. Before the
    first release there is none, and gates that compare with it hold.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact; LogBroken.
    """
    named = Path(run.plan.baseline.manifest) if run.plan.baseline and run.plan.baseline.manifest else None
    file = given or (named if named and named.exists() else None)
    if file is None:
        return None
    found = open_run(file, run.store)
    declared = named is not None and file.resolve() == named.resolve()
    return Earlier(run=found, declared=declared, let_out=was_let_out(found, Log(run.store.layout.decisions).entries()))


def tell_notes(decision: Decision) -> None:
    """Say what is odd about a decision that lets something out."""
    for note in decision.notes:
        print(tame(f"note: {note}"), file=sys.stderr)


def open_run(path: Path, store: Store) -> Run:
    """A manifest with its plan and its store.

    Raises: Usage; BadFile; DigestMismatch; MissingArtifact.
    """
    manifest = manifests.read(path)
    return Run(manifest=manifest, plan=store.plan(manifest.plan), store=store)
