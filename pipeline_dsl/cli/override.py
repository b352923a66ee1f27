"""`pdsl override`: a named reviewer's signed exception to one gate, or a first release's to its missing baseline."""

import json as codec
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.formats.decision import data, text
from pipeline_dsl.cli.gate import BaselineOption, judge_run, open_run
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.cli.report import tame
from pipeline_dsl.cli.signing import ExpiresOption, KeyOption, ReviewerOption, end, signer, why
from pipeline_dsl.gates.decision import decide_run
from pipeline_dsl.gates.override import Case, Override, find_row, lacks_baseline, terms_for
from pipeline_dsl.gates.policy import find_policy, require_policy
from pipeline_dsl.gates.signature import BOOTSTRAP
from pipeline_dsl.gates.statement import facts, require_in_force, sign_as, spelled, terms
from pipeline_dsl.gates.verdict import Row, Run, Verdict
from pipeline_dsl.runner.machine import author
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.manifest import Signed

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def override(
    reviewer: ReviewerOption,
    reason: Annotated[str, typer.Option("--reason", help="Why the model may go out all the same.")],
    manifest: ManifestArgument = None,
    gate: Annotated[str | None, typer.Option("--gate", help="The failing gate: its metric, or its text as `pdsl gate` shows it.")] = None,
    bootstrap: Annotated[bool, typer.Option("--bootstrap", help="Release for the first time, with no baseline to compare with.")] = False,
    expires: ExpiresOption = None,
    key: KeyOption = None,
    baseline: BaselineOption = None,
    policy: PolicyOption = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Sign an exception to one failing gate of a run, if the policy lets this reviewer do so.

    It is bound to the verdict, which a changed run, threshold or baseline voids, and to what the decision log holds. It is written
    to that log, then to the manifest's `overrides`. The policy is `pdsl-policy.yaml`, a file that people review: who may override
    which gates, for how long, and whether whoever ran it may; `pydoc pipeline_dsl.gates.policy` describes it. Missing evidence takes
    a rule that says so; a broken chain, or a run that is not complete, no override helps. With --bootstrap the gates that compare
    with a baseline are waived for this first release. Exits 3 if the policy refuses, 4 if a digest or signature does not match.

    Example: pdsl override --gate mmlu --reviewer ada@example.org --reason "within noise of the last release" --expires 14d
    """
    now = datetime.now(UTC)
    known = require_policy(find_policy(policy))
    path = find_manifest(manifest, store)
    run = open_run(path, open_store(store))
    verdict = judge_run(run, baseline)
    log = Log(run.store.layout.decisions)
    case = Case(verdict=verdict, gates=run.plan.gates, policy=known, log=log.entries())
    row = _row(verdict, gate, bootstrap)
    person = signer(known, reviewer)
    agreed = terms_for(case, known, row, person)
    wanted = _override(case, row, terms(person, why(reason), now, end(expires, agreed, now), known, case.log))
    require_in_force(unstructure(wanted), agreed, now)
    signed = sign_as(person, unstructure(wanted), wanted.purpose, key)
    _write(signed, path, log, now)
    decision = decide_run(_reopened(run, path), verdict, known, now)
    if json:
        print(codec.dumps(data(decision), indent=1))
    else:
        print(
            f"{person.name} signed {f'an override of `{row.gate}`' if row else 'a bootstrap'} of {verdict.pipeline} until {wanted.expires}"
        )
        sys.stdout.write(tame(text(decision)))


def _row(verdict: Verdict, gate: str | None, bootstrap: bool) -> Row | None:
    """The gate that is to be overridden; None for a bootstrap.

    Raises: Usage if nothing needs it, or nothing could help.
    """
    if bootstrap == (gate is not None):
        raise Usage("say what to sign: --gate NAME for a gate that fails, or --bootstrap for a first release")
    if verdict.ship:
        raise Usage(f"{verdict.pipeline} ships: there is nothing to override")
    if verdict.reasons:
        raise Usage(
            "no override lets this run out: " + "; ".join(verdict.reasons), help="that is not a gate's verdict, but what the run lacks"
        )
    if gate is not None:
        return find_row(verdict, gate)
    if not any(lacks_baseline(row) for row in verdict.rows):
        raise Usage(
            f"no gate of {verdict.pipeline} lacks a baseline: there is nothing to bootstrap", help="override a failing gate with --gate"
        )
    return None


def _override(case: Case, row: Row | None, signed: Mapping[str, Any]) -> Override:
    verdict = case.verdict
    return Override(
        pipeline=verdict.pipeline,
        plan=verdict.plan,
        artifact=verdict.artifact,
        verdict=verdict.digest,
        gate=row.gate if row else None,
        stage=row.stage if row else None,
        value=row.value if row else None,
        threshold=row.threshold if row else None,
        authors=verdict.authors,
        **signed,
    )


def _write(signed: Signed, path: Path, log: Log, now: datetime) -> None:
    """Log an override, then put it into the manifest; whoever else does so waits."""
    with log.held() as held:
        kind = "bootstrap" if signed.purpose == BOOTSTRAP else "override"
        entry = held.append(kind, facts(signed), time=spelled(now), by=author(Path()))
        manifest = manifests.read(path)
        manifests.write(attrs.evolve(manifest, overrides=(*manifest.overrides, attrs.evolve(signed, logged=entry.digest))), path)


def _reopened(run: Run, path: Path) -> Run:
    return attrs.evolve(run, manifest=manifests.read(path))
