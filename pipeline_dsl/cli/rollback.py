"""`pdsl rollback`: what a failure costs, what need not be done again, and doing it."""

import json as codec
import sys
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.formats.rollback import applied_data, applied_text, as_data, as_text, undone
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, StoreOption, find_manifest, open_store, plan_of
from pipeline_dsl.cli.report import relative
from pipeline_dsl.cli.watch import watcher
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.gathering import gather
from pipeline_dsl.runner.invalidation import apply as do, invalidate, undo as put_back
from pipeline_dsl.runner.rollback import Rollback, rollback as compute
from pipeline_dsl.store import aside as asides, manifest as manifests
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def rollback(
    manifest: ManifestArgument = None,
    failed: Annotated[
        str | None, typer.Option("--failed", metavar="STAGE", help="What failed: a stage's name or number; else what the manifest says.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it: set the records of the rollback set aside, and run.")] = False,
    revised: Annotated[
        str | None, typer.Option("--revised", metavar="TARGET", help="With --apply: run this pipeline, with its inputs revised.")
    ] = None,
    run_expensive: Annotated[
        bool, typer.Option("--run-expensive", help="With --apply: run also what is declared to fall back to its last good artifact.")
    ] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="With --apply: leave running to `pdsl submit` or `pdsl run`.")] = False,
    undo: Annotated[str | None, typer.Option("--undo", metavar="NAME", help="Put back what a rollback set aside under that name.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Cores to keep busy; 0 is all of them.")] = 0,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show what a stage's failure makes worthless, what doing it again costs, and what is kept; with --apply, do it.

    The rollback set is the failed stage and every descendant. Each stage has a tier (cheap, medium, expensive) and an action: run it
    again, retrain it with revised inputs, or fall back to its last good artifact. Its cost decides, unless the stage declares `tier=`
    or `on_failure=`. Costs are what was really spent, where a record says so, else the plan's estimates.

    Nothing is deleted: records are moved to the store's folder `aside`, artifacts stay, and --undo moves records back. Exits 3, with
    nothing changed, if a stage would run again that is to fall back; 5 if a stage failed again.

    \b
    Examples:
      pdsl rollback --failed 09
      pdsl rollback .pdsl/runs/tiny-0a1b2c3d4e5f/manifest.yaml --failed 09 --apply
      pdsl rollback --undo 20261121T104500-09_align
    """
    opened = open_store(store)
    if undo is not None:
        _undo(undo, opened, json)
        return
    if (revised is not None or run_expensive or no_run) and not apply:
        raise Usage("`--revised`, `--run-expensive` and `--no-run` say how to apply it", help="give `--apply` too")
    path = find_manifest(manifest, store)
    said = manifests.read(path)
    stage = failed or said.failed_stage
    if stage is None:
        raise Usage(f"{path} names no failed stage", help="say which: `--failed 09`, a stage's name or number")
    plan = opened.plan(said.plan)
    found = compute(plan, said, opened, plan.find(stage).name)
    if not apply:
        print(codec.dumps(as_data(found), indent=1)) if json else sys.stdout.write(as_text(found, path))
        return
    target = plan_of(revised)[0] if revised is not None else None
    if no_run:
        _only_invalidate(found, opened, target, run_expensive, json)
    else:
        _apply(found, opened, target, jobs, run_expensive, json)


def _only_invalidate(found: Rollback, store: Store, target: Plan | None, dear: bool, json: bool) -> None:
    aside = invalidate(found, store, revised=target, dear=dear)
    name = aside.name if aside else None
    path, _ = gather(found.plan, store)  # what it was written from is no longer in use
    if json:
        print(codec.dumps({**as_data(found), "applied": {"aside": name, "manifest": str(path), "status": "running"}}, indent=1))
    else:
        print(f"{undone(name)}\nnext: pdsl run {relative(str(path.parent / 'plan.json'))}, or pdsl submit")


def _apply(found: Rollback, store: Store, target: Plan | None, jobs: int, dear: bool, json: bool) -> None:
    watch = watcher(target or found.plan, quiet=json)
    done = do(found, store, watch, jobs=jobs, revised=target, dear=dear)
    watch.close()
    print(codec.dumps({**as_data(found), "applied": applied_data(done)}, indent=1)) if json else sys.stdout.write(applied_text(done))
    if done.outcome.interrupted:
        raise typer.Exit(130)
    if done.outcome.fault is not None:
        raise done.outcome.fault


def _undo(name: str, store: Store, json: bool) -> None:
    aside = asides.find(store, name)
    plan = store.plan(aside.plan)
    replaced = put_back(store, aside)
    path, _ = gather(plan, store)
    if json:
        print(codec.dumps({"version": 1, "undone": name, "aside": replaced.name if replaced else None, "manifest": str(path)}))
        return
    print(f"{', '.join(aside.keys)}: as before the rollback. manifest: {relative(str(path))}")
    if replaced is not None:
        print(f"what had taken their place is set aside as {replaced.name}")
