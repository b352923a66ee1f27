"""`pdsl status`: how far the runs of a folder are."""

import fcntl
import json as codec
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import ClusterFailed
from pipeline_dsl.base.units import dollars, duration
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, StoreOption, find_run, open_store
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render.cluster import Job
from pipeline_dsl.render.generate import launched
from pipeline_dsl.runner.progress import read_progress
from pipeline_dsl.runner.resolve import resolve
from pipeline_dsl.runner.run import run_folder
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@attrs.frozen
class Line:
    """One stage: done, running, stopped or waiting, with what is to be said about it."""

    stage: str
    state: str
    detail: str


@app.command()
def status(
    manifest: ManifestArgument = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show each stage of a run: done, running (with its step), stopped half-way, or waiting.

    It asks the store and the locks that running stages hold, so it is right whatever started them; and the scheduler that it was
    submitted to, for its reasons. A scheduler that does not answer is told of on standard error.

    Example: pdsl status
    """
    opened = open_store(store)
    plan = find_run(manifest, store)
    jobs = _jobs(run_folder(opened, plan))
    lines = [_with_job(line, jobs.pop(line.stage, None)) for line in _lines(plan, opened)]
    lines += [Line(job.stage, job.state, f"job {job.number}: {job.reason}".removesuffix(": ")) for job in jobs.values()]  # the gate
    if json:
        print(codec.dumps({"version": 1, "plan": plan.digest, "stages": [unstructure(line) for line in lines]}, indent=1))
        return
    width = max((len(line.stage) for line in lines), default=0)
    print(f"{plan.pipeline} {plan.pipeline_version}, plan {short(plan.digest)}")
    for line in lines:
        print(f"  {line.stage:<{width}}  {line.state:<9}  {line.detail}".rstrip())


def _jobs(run: Path) -> dict[str, Job]:
    """What the schedulers say of each stage; one that cannot be asked is told of, and the store's word stands alone."""
    found: dict[str, Job] = {}
    for backend, folder in launched(run):
        try:
            found |= {job.stage: job for job in backend.cluster().jobs(folder)}
        except ClusterFailed as error:
            print(error, file=sys.stderr)
    return found


def _with_job(line: Line, job: Job | None) -> Line:
    """What the store says, and what a scheduler knows beyond it."""
    if job is None or line.state == "done":
        return line
    waits = line.state == job.state == "waiting" and not job.reason  # then what it waits for says more
    where = f"{line.detail}, job {job.number}" if line.detail and (line.state == "running" or waits) else f"job {job.number}"
    if line.state == "running":
        return Line(line.stage, line.state, where)
    return Line(line.stage, job.state, f"{where}: {job.reason}" if job.reason else where)


def _lines(plan: Plan, store: Store) -> list[Line]:
    resolution = resolve(plan, store)
    return [_line(plan, name, resolution.keys.get(name), store, resolution.records.get(name)) for name in (s.name for s in plan.stages)]


def _line(plan: Plan, name: str, key: str | None, store: Store, record: Any) -> Line:
    if key is None:
        return Line(name, "waiting", "for " + ", ".join(dict.fromkeys(plan.stage(name).parents)))
    if _locked(store.layout.locks / tail(key)):
        return Line(name, "running", _progress(store.layout.progress(key)))
    if record is not None:
        scores = store.tree(record.output).scores
        measured = "".join(f"  {metric} {score.value:.4g}" for metric, score in scores.items())
        return Line(name, "done", f"{duration(record.wall_clock_sec):>7}  {dollars(record.cost_usd):<7}  {short(record.output)}{measured}")
    if store.layout.stage(key).exists():
        return Line(name, "stopped", f"half-way; `pdsl logs {name}` shows why, `pdsl run` goes on")
    return Line(name, "ready", "")


def _locked(path: Path) -> bool:
    try:
        with path.open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except FileNotFoundError:
        return False
    return False


def _progress(path: Path) -> str:
    found = read_progress(path)
    if found is None:
        return ""
    figures = "".join(f", {name} {value:.4g}" for name, value in found.figures.items())
    return f"step {found.step:.0f}/{found.total:.0f}{figures}, {duration(max(time.time() - found.time, 0))} ago"
