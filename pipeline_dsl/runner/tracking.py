"""An experiment tracker: every stage is a run of MLflow, with its curves while it goes, and below the run of its plan.

MLFLOW_TRACKING_URI names the server, as for every program that uses MLflow; without it nothing is imported and no process started. The
experiment is MLFLOW_EXPERIMENT_NAME, else the pipeline's name. A stage that goes on after it failed, or was killed, goes on with its
run. What is told is told by a process of its own (`tracker`): a server that is away costs a warning, never a stage.
"""

import contextlib
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
from pipeline_dsl.base.digest import digest_bytes
from pipeline_dsl.base.fault import Fault
from pipeline_dsl.ml.rank import CURVE
from pipeline_dsl.plan.plan import Plan, PlannedStage, bare
from pipeline_dsl.runner.tracker import Closing, Opening, is_figure
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

_PATIENCE = 30.0
"""Seconds that what is left may take to be sent, once a stage or a run has ended."""
_STATUS: Mapping[str, Literal["FINISHED", "KILLED", "RUNNING"]] = {"complete": "FINISHED", "interrupted": "KILLED", "running": "RUNNING"}
"""What MLflow calls how a run ended; however else it did, it failed."""
_LONGEST = 5000  # letters of a tag, of which MLflow takes a few more


def wanted() -> bool:
    """Whether the environment names a tracker."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


@contextmanager
def followed(
    plan: Plan, stage: PlannedStage, key: str, store: Store, author: str | None, git_commit: str | None, *, anew: bool
) -> Generator[None]:
    """Tell of a stage while it runs in this context, and by its record, or by what it raised, how it ended.

    `anew`: it does not go on from an earlier attempt, and neither does its run.
    """
    curve = store.layout.stage(key) / CURVE
    if not wanted():
        curve.unlink(missing_ok=True)  # of an attempt that was killed
        yield
        return
    process = None
    opening = Opening(
        experiment=_experiment(plan),
        name=stage.name,
        start=time.time(),
        identity={"pdsl.key": key, "pdsl.store": _place(store.layout.root, author)},
        tags={
            "pdsl.plan": plan.digest,
            "pdsl.stage": stage.name,
            "pdsl.stage.type": stage.type,
            "pdsl.device": f"{stage.devices} x {stage.device}",
            **_origin(plan, author, git_commit),
        },
        params=_flat(stage.fields),
        anew=anew,
        above={"pdsl.run": plan.digest, "pdsl.store": _place(store.layout.root, author)},
    )
    with _harmless(stage.name):
        curve.parent.mkdir(parents=True, exist_ok=True)
        with curve.open("w+b") as source:
            process = _start(source.fileno())
        _say(process, opening)
    try:
        yield
    except BaseException as error:
        with _harmless(stage.name):
            curve.unlink(missing_ok=True)
            said = {"pdsl.fault": error.code} if isinstance(error, Fault) else {}
            what = error.message if isinstance(error, Fault) else f"{type(error).__name__}: {error}"
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            _end(process, stage.name, Closing(status=status, tags=said | {"pdsl.error": _text(what)}))
        raise
    with _harmless(stage.name):
        record = store.record(key)
        done = {} if record is None else {"pdsl.output": record.output}
        _end(process, stage.name, Closing(status="FINISHED", tags=done, metrics={} if record is None else _figures(record, store)))


def tell_run(plan: Plan, path: Path, began: float) -> None:
    """Tell of a run that began then and ends now, by the manifest that it left; the runs of its stages come to lie below it."""
    if wanted():
        with _harmless(plan.pipeline):
            _tell_run(plan, path, began)


def _tell_run(plan: Plan, path: Path, began: float) -> None:
    from pipeline_dsl.store import manifest as manifests  # a run that finds everything done starts without it

    manifest = manifests.read(path)
    place = _place(path.absolute().parents[2], manifest.author)
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
        identity={"pdsl.run": plan.digest, "pdsl.store": place},
        tags={"pdsl.manifest": str(path), **_origin(plan, manifest.author, manifest.git_commit)},
        params=params,
        again=True,
        below={"pdsl.plan": plan.digest, "pdsl.store": place},
    )
    said = {"pdsl.status": manifest.status} | ({"pdsl.reason": _text(manifest.reason)} if manifest.reason else {})
    process = _start(None)
    _say(process, opening)
    _end(process, opening.name, Closing(status=_STATUS.get(manifest.status, "FAILED"), tags=said, metrics=metrics))


@contextmanager
def _harmless(name: str) -> Generator[None]:
    """Whatever goes wrong in telling of something is a warning: the thing itself goes on."""
    try:
        yield
    except Exception as error:  # also of the system, which may have no room for another process
        _warn(name, f"{type(error).__name__}: {error}")


def _warn(name: str, why: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads, or there is no room where it is written
        print(f"warning: {name} is not tracked to its end: {why}", file=sys.stderr)


def _place(root: Path, author: str | None) -> str:
    """Whose runs in which store, in letters that may stand in a search; others may make the same stage at the same time."""
    return digest_bytes(f"{root}\n{author}".encode("utf-8", "replace"))


def _text(what: str) -> str:
    """What a tag takes: no half of a surrogate pair, no NUL, and not too much."""
    return what.encode("utf-8", "replace").decode().replace("\0", "")[:_LONGEST]


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
    scores = {key: score.value for key, score in tree.scores.items()}
    took = {"cost_usd": record.cost_usd, "wall_clock_sec": record.wall_clock_sec, "cpu_sec": record.cpu_sec}
    found = {**tree.meta, **scores, **took, "peak_memory_bytes": record.peak_memory}
    return {key: float(value) for key, value in found.items() if is_figure(value)}


def _start(descriptor: int | None) -> subprocess.Popen[bytes]:
    """The process that tells, of the file of figures at a descriptor if there is one."""
    words = [] if descriptor is None else [str(descriptor)]
    path = os.pathsep.join(str(entry) for entry in sys.path if entry)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pipeline_dsl.runner.tracker", *words],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=2,  # what a command prints is its own
        pass_fds=[] if descriptor is None else [descriptor],
        start_new_session=True,  # it outlives a stage that is killed by a moment, to say so
    )


def _say(process: subprocess.Popen[bytes], opening: Opening) -> None:
    """Say what it is that begins; a process that has ended already is found by `_end`."""
    if process.stdin is None:
        raise AssertionError("it was started with a pipe")
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(_line(opening))
        process.stdin.flush()


def _end(process: subprocess.Popen[bytes] | None, name: str, closing: Closing) -> None:
    """Say how it ended, and wait until that was sent, or could not be in time."""
    if process is None:
        return
    try:
        process.communicate(_line(closing), _PATIENCE)
        if process.returncode > 1 or process.returncode < 0:
            _warn(name, f"what tells of it ended with {process.returncode}")
    except subprocess.TimeoutExpired:
        _warn(name, "what MLFLOW_TRACKING_URI names did not answer in time")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _line(what: Opening | Closing) -> bytes:
    return json.dumps(unstructure(what)).encode() + b"\n"
