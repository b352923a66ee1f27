"""`pdsl replay`: a finished run, made again and compared."""

import json as codec
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import DigestMismatch, Exit, Fault, Usage
from pipeline_dsl.cli.meter import Meter
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, find_manifest, open_store
from pipeline_dsl.cli.replayed import FINE, page, verdict_of
from pipeline_dsl.cli.watch import watcher
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.deviation import Deviation, of_machine, of_plans, together
from pipeline_dsl.runner.original import Original, of_code, of_types, original
from pipeline_dsl.runner.replay import Outcome, Replay, lend, replay as again
from pipeline_dsl.runner.reproduction import Tolerance
from pipeline_dsl.runner.sources import roots
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
        here = _Here(recorded, unpacked, trust, pipeline)
        if plan_only:
            _end(here, path, None, None, json=json)
            return
        order = _order(here, only, jobs, tolerances)
        watch = watcher(attrs.evolve(recorded.plan, budget_usd=None), quiet=json)
        outcome = again(recorded, order, Store(Layout(folder / "replay")), watch)
        watch.close()
        _end(here, path, outcome, folder, json=json)


class _Here:
    """A run, where the code for it is found here, and what is otherwise than it was."""

    def __init__(self, recorded: Original, unpacked: Bundle | None, trust: bool, pipeline: str | None) -> None:
        self.original = recorded
        self.bundle = unpacked
        source = unpacked.source if unpacked and unpacked.source.is_dir() else None
        self.folders = roots(source) if source and trust else roots(Path.cwd(), recorded.plan.root)
        self.guarded = unpacked is not None and not trust
        planned = list(of_plans(recorded.plan, _compiled(pipeline))) if pipeline else []
        index = unpacked.index if unpacked else None
        self.deviations = together(
            [*planned, *of_code(recorded, self.folders, index, source, guarded=self.guarded), *of_machine(recorded.records)]
        )

    def absent(self, stage: str) -> bool:
        """Whether the code of a stage is not here."""
        return any(item.what == "code" and item.here is None and stage in item.stages for item in self.deviations)


def _order(here: _Here, only: str | None, jobs: int, tolerances: dict[str, Tolerance]) -> Replay:
    """What is to be run, once the code for it is found.

    Raises: Usage if it is not here.
    """
    recorded = here.original
    if only is not None and recorded.plan.stage(only).name not in recorded.records:
        raise Usage(f"`{only}` did not finish in this run", help="replay one of " + ", ".join(recorded.records))
    barred = _barred(here.deviations)
    wanted = [
        stage
        for stage in recorded.plan.stages
        if stage.name in recorded.records and only in (None, stage.name) and stage.name not in barred
    ]
    _require_code(here, wanted)
    types, deviations = of_types(recorded, wanted, here.folders, guarded=here.guarded)
    here.deviations = together([*deviations, *here.deviations])
    return Replay(types=types, jobs=jobs, only=only, barred=_barred(here.deviations), tolerances=tolerances)


def _require_code(here: _Here, wanted: Sequence[PlannedStage]) -> None:
    needed = {stage.name for stage in wanted} | {parent for stage in wanted for parent in stage.parents}
    absent = [here.original.plan.stage(name).type for name in sorted(needed) if here.absent(name)]
    if not absent:
        return
    names = ", ".join(dict.fromkeys(absent))
    if here.guarded and here.bundle and here.bundle.index.source:
        help = "the bundle has it: read it (`tar -xf FILE source`), and give `--trust` to run it, as if it were yours"
        raise Usage(f"the code of {names} is not here", help=help)
    raise Usage(f"the code of {names} is not here", help="run from the folder of the project that it is imported from")


def _barred(deviations: Sequence[Deviation]) -> dict[str, str]:
    """The stages that are not the ones that ran, each with what is otherwise."""
    found: dict[str, list[str]] = {}
    for item in deviations:
        for stage in item.stages if item.decisive else ():
            found.setdefault(stage, []).append(str(attrs.evolve(item, stages=())))
    return {stage: "; ".join(reasons) for stage, reasons in found.items()}


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


def _end(here: _Here, path: Path, outcome: Outcome | None, folder: Path | None, *, json: bool) -> None:
    """Say what came out, keep it beside what was made, and exit.

    Raises: typer.Exit.
    """
    results = outcome.results if outcome else ()
    verdict = verdict_of(here.deviations, results, ran=outcome is not None)
    data: dict[str, Any] = {
        "version": 1,
        "run": str(path),
        "bundle": here.bundle.index.digest if here.bundle else None,
        "plan": here.original.plan.digest,
        "folder": str(folder) if folder else None,
        "verdict": "interrupted" if outcome and outcome.interrupted else verdict,
        "deviations": [{**unstructure(item), "decisive": item.decisive} for item in here.deviations],
        "results": [unstructure(result) for result in results],
    }
    if folder:
        write_atomically(folder / "replay.json", codec.dumps(data, indent=1).encode())
    print(codec.dumps(data, indent=1) if json else page(here.original, data["bundle"], here.deviations, results, data["verdict"], folder))
    if outcome and outcome.interrupted:
        raise typer.Exit(130)
    if any(result.status == "failed" for result in results):
        raise typer.Exit(int(Exit.STAGE))
    if verdict not in FINE:
        raise typer.Exit(int(Exit.FINDINGS))
