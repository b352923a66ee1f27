"""`pdsl replay`: a finished run, made again and compared."""

import json as codec
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import attrs
import typer

from pipeline_dsl.base.fault import DigestMismatch, Exit, Fault, Usage
from pipeline_dsl.cli.formats.replay import FINE, as_data, as_text
from pipeline_dsl.cli.meter import Meter
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, find_manifest, open_store
from pipeline_dsl.cli.watch import watcher
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.original import original
from pipeline_dsl.runner.preparation import Preparation
from pipeline_dsl.runner.replay import Outcome, lend, replay as again
from pipeline_dsl.runner.reproduction import Tolerance
from pipeline_dsl.store import archive, bundle
from pipeline_dsl.store.bundle import Bundle
from pipeline_dsl.store.files import write_atomically
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def replay(
    run: Annotated[Path | None, typer.Argument(help="A run's manifest.yaml, or a bundle; without one, the run written last.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="A new folder for what is made again.", show_default="under the store")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="STAGE", help="Replay nothing but STAGE.")] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", metavar="TARGET", help="A pipeline or saved plan to hold the run against, field by field.")
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Compare plan, code, libraries and machine; run nothing.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run the code that is in the bundle, as if it were yours. Read it first.")] = False,
    digest: Annotated[str | None, typer.Option("--digest", help="The digest that the bundle must have, from whoever wrote it.")] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option("--tolerance", metavar="METRIC=SIZE", help="How far a metric may be off: `validation_loss=0.02`, or `=1%`."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Cores to keep busy; 0 is all of them.")] = 0,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Run a finished run again, in a fresh store, and say of each stage what came of it.

    \b
    bit-identical    the same bytes
    reproduced       other bytes; each metric is as near as its 95% interval
                     says, or as 1% where it has no spread
    not reproduced   a metric is further off, or nothing is measured
    different        not the stage that ran: a field, say, is another one
    taken            it comes from outside, and is the run's own

    With `--only`, what comes from outside is fetched again. Each stage reads the artifacts that it read in the run, so a difference
    does not spread; where a bundle lacks them, it reads what was made again. Stage types of pdsl's own run as they are installed
    here; a project's own are taken from the folder that you are in, or, with --trust, from the bundle. Exits 0 if all stages are
    bit-identical, reproduced or taken, 1 if not, 4 if a byte of the run is not what its digest says, 5 if a stage failed.

    Example: pdsl replay tiny.tar.zst --trust --jobs 2
    """
    tolerances = dict(map(tolerance_of, tolerance or ()))
    path = find_manifest(run, store)
    packed = archive.is_archive(path)
    if (trust or digest) and not packed:
        raise Usage(f"{path} is no bundle", help="`--trust` and `--digest` are about bundles: write one with `pdsl bundle`")
    with _folder(into, path, store, temporary=plan_only) as folder:
        unpacked = _unpack(path, folder, digest, store, artifacts=not plan_only, quiet=json) if packed else None
        recorded = original(unpacked.manifest, unpacked.store) if unpacked else original(path, open_store(store))
        prepared = Preparation(recorded, unpacked, trust=trust, expected=_compiled(pipeline) if pipeline else None)
        if plan_only:
            _end(prepared, path, None, None, json=json)
            return
        order = prepared.order(only, jobs, tolerances)
        watch = watcher(attrs.evolve(recorded.plan, budget_usd=None), quiet=json)
        outcome = again(recorded, order, Store(Layout(folder / "replay")), watch)
        watch.close()
        _end(prepared, path, outcome, folder, json=json)


@contextmanager
def _folder(into: Path | None, path: Path, store: Path, *, temporary: bool) -> Generator[Path]:
    """An empty folder: the one that was asked for, or a new one; it goes again if there is nothing in it to keep.

    Raises: Usage if it is not empty.
    """
    if temporary:
        with tempfile.TemporaryDirectory(prefix="pdsl-replay-") as name:
            yield Path(name)
        return
    folder = into or _fresh(store / "replays", path.parent.name if path.name == "manifest.yaml" else path.name.partition(".")[0])
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Usage(f"{folder} is not empty", help="name a new folder: nothing that was made before may stand in for what is made again")
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except (Fault, KeyboardInterrupt):
        shutil.rmtree(folder, ignore_errors=True)  # nothing was compared
        if existed:
            folder.mkdir()
        raise


def _fresh(parent: Path, name: str) -> Path:
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def _unpack(path: Path, folder: Path, digest: str | None, store: Path, *, artifacts: bool, quiet: bool) -> Bundle:
    """A bundle, unpacked into `folder` and whole; artifacts that it lacks and `store` has are found there.

    Raises: DigestMismatch, also if it is not the one that was asked for; StoreFull.
    """
    meter = Meter(str(path), quiet=quiet)
    try:
        found = bundle.read(path, folder, meter, artifacts=artifacts)
    finally:
        meter.close()
    if digest is not None and found.index.digest != digest:
        raise DigestMismatch(f"{path} is the bundle {found.index.digest}, not {digest}", help="ask whoever wrote it which one is meant")
    ours = open_store(store)
    for entry in found.index.files:
        if entry.path.startswith("trees/"):
            _complete(found.store, entry.digest, ours)
    return found


def _complete(theirs: Store, digest: str, ours: Store) -> None:
    """Let files that a bundle lacks be found in our own store, if it has them; whether they are whole is looked at later."""
    if ours.tree_file(digest).exists():
        lend(ours, digest, theirs)


def _compiled(target: str) -> Plan:
    """The plan of a pipeline, compiled in a process of its own, so that its modules are not taken for the run's.

    Raises: typer.Exit; Usage; BadFile; DigestMismatch.
    """
    if target.endswith(".json"):
        return plans.read(Path(target))
    with tempfile.TemporaryDirectory(prefix="pdsl-replay-") as folder:
        out = Path(folder, "plan.json")
        command = [sys.executable, "-m", "pipeline_dsl", "plan", target, "--out", str(out), "--json"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if not out.exists():
            sys.stderr.write(done.stderr)
            raise typer.Exit(done.returncode or int(Exit.BUG))
        return plans.read(out)


def tolerance_of(text: str) -> tuple[str, Tolerance]:
    """The metric that `--tolerance` names, and how far it may be off.

    Raises: Usage.
    """
    name, _, size = text.partition("=")
    try:
        value = float(size.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not name or not 0 <= value < float("inf"):
        raise Usage(f"`--tolerance {text}` is no tolerance", help="write `--tolerance validation_loss=0.02`, or `validation_loss=1%`")
    return name, Tolerance(value / 100, relative=True) if size.endswith("%") else Tolerance(value)


def _end(prepared: Preparation, path: Path, outcome: Outcome | None, folder: Path | None, *, json: bool) -> None:
    """Say what came out, keep it beside what was made, and exit.

    Raises: typer.Exit.
    """
    data = as_data(prepared, path, outcome, folder)
    if folder:
        write_atomically(folder / "replay.json", codec.dumps(data, indent=1).encode())
    print(codec.dumps(data, indent=1) if json else as_text(prepared, data["verdict"], outcome.results if outcome else (), folder))
    if outcome and outcome.interrupted:
        raise typer.Exit(130)
    if outcome and any(result.status == "failed" for result in outcome.results):
        raise typer.Exit(int(Exit.STAGE))
    if data["verdict"] not in FINE:
        raise typer.Exit(int(Exit.FINDINGS))
