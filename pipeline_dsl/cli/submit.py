"""`pdsl submit`: a plan to a cluster."""

import os
from pathlib import Path
from typing import Annotated

import attrs
import typer

from pipeline_dsl.base.fault import Exit
from pipeline_dsl.cli.options import DEFAULT_STORE, StoreOption, Target, open_store, plan_of
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render import generate
from pipeline_dsl.render.cluster import Job, live
from pipeline_dsl.render.known import backend as known
from pipeline_dsl.runner.gathering import gather
from pipeline_dsl.runner.machine import author
from pipeline_dsl.runner.resolve import resolve
from pipeline_dsl.runner.run import run_folder
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def submit(
    target: Target,
    backend: Annotated[str, typer.Option("--backend", "-b", help="local, slurm, k8s or another.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the exact requests, and submit nothing.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Submit the stages of a pipeline that are not done, as one graph of jobs.

    On Slurm, modules are imported from the folder that this is called in; it and the store must be on a file system that all
    nodes share. On Kubernetes, `kubectl` creates the objects in the cluster that it is set to, once the API server has taken all
    of them in a dry run; modules are those of the image, and the store is on the volume that all pods share. `pdsl status`,
    `logs` and `cancel` then speak of these jobs. Their records name whoever submits: what PDSL_AUTHOR says, or git's `user.email`.
    Exits 1 if it cannot be planned or is submitted already, 5 if the cluster refuses it.

    Example: pdsl submit pipelines/tiny.py --backend slurm
    """
    plan, _ = plan_of(target)
    opened = open_store(store)
    cluster = known(backend).cluster()
    folder = generate.launch_folder(run_folder(opened, plan), backend)
    _refuse_running(plan, cluster.jobs(folder))
    done = [] if cluster.own_store else list(resolve(plan, opened).records)
    if len(done) == len(plan.stages):
        path, _ = gather(plan, opened)
        print(f"{plan.pipeline}: all {len(done)} stages are in the store, nothing to submit. manifest: {path}")
        return
    wanted = generate.by_path(generate.files(plan, backend), "")
    generate.settle(folder, wanted, attrs.evolve(generate.difference(folder, wanted), stray=()))  # logs of earlier jobs stay
    gather(plan, opened)
    there = cluster.jobs(folder) if cluster.own_store else []
    _refuse_running(plan, there)  # somebody may have submitted the same plan from elsewhere
    if there and all(job.state == "done" for job in there):
        print(f"{plan.pipeline}: all stages are done as {there[-1].number}, nothing to submit")
        return
    print(cluster.submit(folder, done=done, environment=_environment(plan, opened, folder), dry_run=dry_run), end="")


def _refuse_running(plan: Plan, jobs: list[Job]) -> None:
    running = live(jobs)
    if running:
        numbers = ", ".join(f"{job.stage} {job.state} as {job.number}" for job in running)
        print(f"{plan.pipeline} is submitted already: {numbers}")
        raise typer.Exit(int(Exit.FINDINGS))


def _environment(plan: Plan, store: Store, folder: Path) -> dict[str, str]:
    where = {
        "PDSL_PROJECT": plan.root or str(Path.cwd()),
        "PDSL_STORE": str(store.layout.root.absolute()),
        "PDSL_JOBS": str(folder.absolute()),
        "PDSL_AUTHOR": author(Path(plan.root or ".")),  # a node, or an image, may know another name
    }
    return {**os.environ, **where}
