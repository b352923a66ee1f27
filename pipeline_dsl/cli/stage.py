"""`pdsl stage run`: one stage of a saved plan. Every launcher calls this and nothing else."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Exit
from pipeline_dsl.cli.options import DEFAULT_STORE, StoreOption, open_store
from pipeline_dsl.ml.nodes import nodes
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.runner import telemetry, tracking
from pipeline_dsl.runner.following import dismiss, follow
from pipeline_dsl.runner.gathering import gather
from pipeline_dsl.runner.machine import author, git_commit
from pipeline_dsl.runner.process import run_reporting
from pipeline_dsl.runner.stage import Terms

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


@app.callback()
def stage() -> None:
    """Run one stage of a saved plan, as launchers do.

    Example: pdsl stage run 04_pretrain --plan plan.json
    """


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="The stage's name in the plan.")],
    plan: Annotated[Path, typer.Option("--plan", help="The plan, as `pdsl plan --out` saved it.")],
    force: Annotated[bool, typer.Option("--force", help="Run it even if it is done.")] = False,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Cores that it may keep busy.")] = 1,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Run one stage: verify its inputs, skip it if it is done, write its record last.

    For one stage on several machines it is started on each of them. The environment then has PDSL_NODES; PDSL_NODE, which
    counts from 0 or names the variable that does; PDSL_RENDEZVOUS, host:port of the first; and PDSL_ATTEMPT, the same on all and
    another after a restart. A file at PDSL_STOP asks training to write a checkpoint and end.

    Exits 0 if its artifact is in the store, 3 if the plan's budget has too little left for it, 4 if an input is not what its digest
    says, 5 if the stage failed.

    Example: pdsl stage run 04_pretrain --plan plan.json
    """
    planned = plans.read(plan)
    name = planned.find(name).name
    group, opened = nodes(), open_store(store)
    if not group.leads:
        raise typer.Exit(follow(planned, name, opened, group))
    root = Path(planned.root or ".")
    terms = Terms(threads=threads, force=force, wait=True, capped=True, git_commit=git_commit(root), author=author(root))
    code = run_reporting(planned, name, opened, terms)
    if group.count > 1:
        dismiss(planned, name, opened, group, code)
    sys.stdout.flush()
    raise typer.Exit(code)


@app.command()
def manifest(
    plan: Annotated[Path, typer.Option("--plan", help="The plan, as `pdsl plan --out` saved it.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the manifest of a plan whose stages were run one by one, and print where it is.

    It holds what the store has records of. Exits 5 if that is not every stage.

    Example: pdsl stage manifest --plan plan.json
    """
    planned = plans.read(plan)
    path, whole = gather(planned, open_store(store))
    began = plan.stat().st_mtime  # submitting wrote it
    telemetry.tell_run(planned, path, began)
    tracking.tell_run(planned, path, began)
    print(path)
    if not whole:
        raise typer.Exit(int(Exit.STAGE))
