"""`pdsl logs`: what a stage printed."""

import collections
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.options import DEFAULT_STORE, StoreOption, find_run, open_store
from pipeline_dsl.render.generate import launched
from pipeline_dsl.runner.resolve import resolve
from pipeline_dsl.runner.run import run_folder

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def logs(
    stage: Annotated[str, typer.Argument(help="The stage's name, or its number.")],
    manifest: Annotated[Path | None, typer.Option("--manifest", help="The run's manifest; without one, the run written last.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Print only so many of the last lines; 0 is all.")] = 0,
    node: Annotated[int, typer.Option("--node", min=0, help="Which node's, of a stage on several; counted from 0.")] = 0,
    path: Annotated[bool, typer.Option("--path", help="Print where the log is, instead of what is in it.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print what a stage printed in its last attempts, finished or not; `gate` is what comes after all stages on a cluster.

    Example: pdsl logs 04_pretrain -n 50
    """
    opened = open_store(store)
    plan = find_run(manifest, store)
    places = launched(run_folder(opened, plan))
    name = stage if stage == "gate" and places else plan.find(stage).name
    key = None if name == "gate" and places else resolve(plan, opened).keys.get(name)
    log = opened.layout.log(key) if key and not node else None
    jobs = [backend.cluster().node_log(folder, name, node) for backend, folder in places]
    log = max((file for file in (log, *jobs) if file is not None and file.exists()), key=lambda file: file.stat().st_mtime_ns, default=None)
    if log is None:
        raise Usage(f"`{name}` has not run here", help="`pdsl status` shows which stages have")
    if path:
        print(log)
        return
    if not log.stat().st_size:
        print(f"{name} has printed nothing", file=sys.stderr)
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in collections.deque(stream, maxlen=min(lines, sys.maxsize)) if lines else stream:
            print(line.rstrip("\n"))
