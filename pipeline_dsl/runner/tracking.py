"""An experiment tracker: every stage is a run of MLflow, with its curves while it goes, and below the run of its plan.

MLFLOW_TRACKING_URI names the server, as for every program that uses MLflow; without it nothing is imported and no process started. The
experiment is MLFLOW_EXPERIMENT_NAME, else the pipeline's name. A stage that goes on after it failed, or was killed, goes on with its
run. What is told is told by a process of its own (`tracker`): a server that is away costs a warning, never a stage.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import Fault
from pipeline_dsl.ml.rank import CURVE
from pipeline_dsl.plan.plan import Plan, PlannedStage, bare
from pipeline_dsl.runner.tracker import Closing, Opening
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

_PATIENCE = 30.0
"""Seconds that what is left may take to be sent, once a stage or a run has ended."""
_STATUS: Mapping[str, Literal["FINISHED", "KILLED"]] = {"complete": "FINISHED", "interrupted": "KILLED"}
"""What MLflow calls how a run ended; however else it did, it failed."""
_LONGEST = 5000  # letters of a tag, of which MLflow takes a few more


def wanted() -> bool:
    """Whether the environment names a tracker."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


@contextmanager
def followed(plan: Plan, stage: PlannedStage, key: str, store: Store, author: str | None, git_commit: str | None) -> Generator[None]:
    """Tell of a stage while it runs in this context, and by its record, or by what it raised, how it ended."""
    if not wanted():
        yield
        return
    tags = {
        "pdsl.plan": plan.digest,
        "pdsl.stage": stage.name,
        "pdsl.stage.type": stage.type,
        "pdsl.device": f"{stage.devices} x {stage.device}",
    }
    opening = Opening(
        experiment=_experiment(plan),
        name=stage.name,
        start=time.time(),
        identity={"pdsl.key": key},
        tags=tags | _origin(plan, author, git_commit),
        params=_flat(stage.fields),
        above={"pdsl.run": plan.digest},
    )
    folder = store.layout.stage(key)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / CURVE, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        process = _start(opening, descriptor)
    finally:
        os.close(descriptor)
    try:
        yield
    except BaseException as error:
        (folder / CURVE).unlink(missing_ok=True)
        said = {"pdsl.fault": error.code} if isinstance(error, Fault) else {}
        what = error.message if isinstance(error, Fault) else f"{type(error).__name__}: {error}"
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        _end(process, opening, Closing(status=status, tags=said | {"pdsl.error": what[:_LONGEST]}))
        raise
    record = store.record(key)
    if record is not None:
        _end(process, opening, Closing(status="FINISHED", tags={"pdsl.output": record.output}, metrics=_figures(record, store)))


def tell_run(plan: Plan, path: Path, began: float) -> None:
    """Tell of a run that began then and ends now, by the manifest that it left; the runs of its stages come to lie below it."""
    if not wanted():
        return
    from pipeline_dsl.store import manifest as manifests  # a run that finds everything done starts without it

    manifest = manifests.read(path)
    places, metrics, params = _places(plan), dict[str, float](), {"seed": str(plan.seed)}
    for stage in plan.stages:
        params |= {f"{places[stage.name]}.{key}": value for key, value in _flat(stage.fields).items()}
        entry = manifest.stages.get(stage.name)
        if entry is not None:
            took = {"wall_clock_sec": entry.wall_clock_sec, "cost_usd": entry.cost_usd}
            metrics |= {f"{places[stage.name]}/{name}": value for name, value in {**took, **entry.metrics}.items() if value is not None}
    metrics |= {"stages_done": len(manifest.stages), "wall_clock_total_sec": manifest.wall_clock_total_sec}
    metrics |= {} if manifest.cost_total_usd is None else {"cost_total_usd": manifest.cost_total_usd}
    opening = Opening(
        experiment=_experiment(plan),
        name=f"{plan.pipeline} {tail(plan.digest)[:12]}",
        start=began,
        identity={"pdsl.run": plan.digest},
        tags={"pdsl.manifest": str(path), **_origin(plan, manifest.author, manifest.git_commit)},
        params=params,
        again=True,
        below={"pdsl.plan": plan.digest},
    )
    said = {"pdsl.status": manifest.status} | ({"pdsl.reason": manifest.reason[:_LONGEST]} if manifest.reason else {})
    _end(_start(opening, None), opening, Closing(status=_STATUS.get(manifest.status, "FAILED"), tags=said, metrics=metrics))


def _experiment(plan: Plan) -> str:
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or plan.pipeline


def _origin(plan: Plan, author: str | None, git_commit: str | None) -> dict[str, str]:
    """Who ran what, by the tags in which MLflow itself shows it."""
    said = {"pdsl.pipeline": plan.pipeline, "mlflow.user": author, "mlflow.source.git.commit": git_commit}
    return {key: value for key, value in said.items() if value}


def _places(plan: Plan) -> dict[str, str]:
    """Each stage's name without its number, which another pipeline's like stage would not share; the second of a name gets `_2`."""
    counts: Counter[str] = Counter()
    places: dict[str, str] = {}
    for stage in plan.stages:
        name = bare(stage.name)
        counts[name] += 1
        places[stage.name] = name if counts[name] == 1 else f"{name}_{counts[name]}"
    return places


def _flat(fields: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Fields by their paths, as MLflow compares parameters; what is not set is left out."""
    found: dict[str, str] = {}
    for key, value in fields.items():
        if isinstance(value, Mapping):
            found |= _flat(cast("Mapping[str, Any]", value), f"{before}{key}.")
        elif value not in (None, ""):
            found[f"{before}{key}"] = value if isinstance(value, str) else spell(value).decode()
    return found


def _figures(record: Record, store: Store) -> dict[str, float]:
    """What a stage made and took, in numbers."""
    tree = store.tree(record.output)
    made = {key: value for key, value in tree.meta.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    scores = {key: score.value for key, score in tree.scores.items()}
    took = {"cost_usd": record.cost_usd, "wall_clock_sec": record.wall_clock_sec, "cpu_sec": record.cpu_sec}
    took |= {"peak_memory_bytes": float(record.peak_memory)}
    return {**made, **scores, **{key: value for key, value in took.items() if value is not None}}


def _start(opening: Opening, descriptor: int | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline_dsl.runner.tracker", *([] if descriptor is None else [str(descriptor)])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=2,  # what a command prints is its own
        pass_fds=[] if descriptor is None else [descriptor],
        start_new_session=True,  # it outlives a stage that is killed by a moment, to say so
    )
    try:
        _say(process, opening)
    except BrokenPipeError:  # it ended at once, which `_end` finds as well, and tells
        return process
    return process


def _say(process: subprocess.Popen[bytes], what: Opening | Closing) -> None:
    if process.stdin is None:
        raise AssertionError("it was started with a pipe")
    process.stdin.write(json.dumps(unstructure(what)).encode() + b"\n")
    process.stdin.flush()


def _end(process: subprocess.Popen[bytes], opening: Opening, closing: Closing) -> None:
    """Say how it ended, and wait until that was sent, or could not be."""
    try:
        _say(process, closing)
        process.wait(_PATIENCE)
    except (BrokenPipeError, subprocess.TimeoutExpired):
        print(f"warning: {opening.name} was not tracked to its end: MLFLOW_TRACKING_URI did not answer in time", file=sys.stderr)
        process.kill()
    finally:
        process.communicate()
