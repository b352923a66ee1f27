"""A process that tells MLflow of one run, so that nothing which computes ever waits for a server.

It reads two lines of JSON from its standard input, an `Opening` at once and a `Closing` when the work has ended, and sends what is
appended in between to the file of figures at the descriptor that its argument names. Input that ends without a `Closing`, or SIGTERM,
is work that was killed. A server that is away for a while gets everything when it is back.
"""

import json
import math
import os
import posixpath
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from io import FileIO
from typing import Any, BinaryIO, Literal, TypeGuard

import attrs

from pipeline_dsl.base.convert import structure

PARENT = "mlflow.parentRunId"
"""The tag by which MLflow shows a run below another (https://mlflow.org/docs/latest/ml/tracking)."""

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing is told to anybody but the server that was named
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_POLL, _EVERY, _SAMPLING = 0.5, 5.0, 10.0  # seconds: to look at the file, to send, to look at the machine
_METRICS, _PARAMS, _FOUND = 1000, 100, 10_000  # what MLflow takes, and gives, in one request
_NAME, _VALUE = 250, 1000  # letters of a name and of a parameter's value; a request of 100 of them stays below its limit of 1 MB
_WAITING = 1_000_000  # points that are kept for a server that is away
_TOLD = 2000  # letters of what a server says
_LAST = 30  # seconds to say that the work was killed
_REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")  # what is refused for good
_ENDED = ("pdsl.error", "pdsl.fault", "pdsl.reason")
"""Tags of an end, which what goes on no longer has."""


@attrs.frozen(kw_only=True)
class Opening:
    """What a run is, as far as that is known when it starts. `start` is in seconds since 1970.

    `identity` are the tags by which an earlier attempt is found, which then goes on: one that did not finish, or, if `again`, any; none
    if `anew`.
    `above` are the tags of the run that this one belongs to, `below` those of runs that belong to it.
    """

    experiment: str
    name: str
    start: float
    identity: Mapping[str, str]
    tags: Mapping[str, str]
    params: Mapping[str, str]
    again: bool = False
    anew: bool = False
    above: Mapping[str, str] = {}
    below: Mapping[str, str] = {}


@attrs.frozen(kw_only=True)
class Closing:
    """How it ended."""

    status: Literal["FINISHED", "FAILED", "KILLED", "RUNNING"]
    tags: Mapping[str, str] = {}
    metrics: Mapping[str, float] = {}


class Curve:
    """Figures that a running stage appends to a file, a line of JSON each; each is told when it changed, and once more at the end."""

    def __init__(self, source: BinaryIO | None) -> None:
        self._source = source
        self._part = b""
        self._last: dict[str, tuple[float, int, int, bool]] = {}
        self.step = 0

    def points(self, *, last: bool = False) -> Iterator[tuple[str, float, int, int]]:
        """Name, value, time in ms and step of what is new; with `last`, also the last of each that was left out for not having changed.

        A line that makes no sense is left out: a stage may say anything.
        """
        read = self._source.read() if self._source else b""
        *lines, self._part = (self._part + read).split(b"\n")
        for line in lines:
            try:
                said = json.loads(line)
                at, step = round(1000 * said["time"]), round(said["step"])
                figures = {str(name): float(value) for name, value in said["figures"].items() if is_figure(value)}
            except (ValueError, TypeError, KeyError, OverflowError, AttributeError, RecursionError):
                continue
            self.step = max(self.step, step)
            for name, value in figures.items():
                changed = name not in self._last or self._last[name][0] != value
                self._last[name] = value, at, step, changed
                if changed:
                    yield name, value, at, step
        for name, (value, at, step, told) in self._last.items() if last else ():
            if not told:
                yield name, value, at, step


class Told:
    """One run of an MLflow server, opened when that first succeeds."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._run = ""
        self._described = False
        self._waiting: list[tuple[str, float, int, int]] = []
        self._monitor: Any = None
        self._warned = False
        self._refused = False

    def send(self, points: Iterable[tuple[str, float, int, int]], *, monitored: bool) -> bool:
        """Send what is there; what cannot be sent is kept for the next time, and the first failure after a success is a warning."""
        self._waiting = [*self._waiting, *points][-_WAITING:]
        try:
            self._open()
            self._log()
            if self._monitor is not None and not (self._monitor._process and self._monitor._process.is_alive()):
                self._unwatch()  # its thread ended for good because the server was away once
            if monitored and self._monitor is None:
                self._watch()
        except ModuleNotFoundError as error:
            self._warn(f"`{error.name}` is not installed; pip install 'pdsl[tracking]'")
            return False
        except Exception as error:  # a server may fail in any of its own ways
            self._warn(f"{type(error).__name__}: {error}")
            return False
        self._warned = False
        return True

    def close(self, closing: Closing, points: Iterable[tuple[str, float, int, int]], step: int) -> bool:
        """Send what is left and how the run ended."""
        now = round(1000 * time.time())
        final = [(name, value, now, step) for name, value in closing.metrics.items() if is_figure(value)]
        if not self.send([*points, *final], monitored=False):
            return False
        self._unwatch()
        try:
            for key, value in closing.tags.items():
                self._unless_refused(reach().set_tag, self._run, key, value)
            if closing.status == "RUNNING":
                reach().update_run(self._run, status=closing.status)
            else:
                reach().set_terminated(self._run, closing.status)
        except Exception as error:  # as above
            self._warn(f"{type(error).__name__}: {error}")
            return False
        return True

    def _open(self) -> None:
        if self._described:
            return
        client, opening = reach(), self._opening
        experiment = _experiment(client, opening.experiment)
        if not self._run:
            found = [] if opening.anew else self._search(client, experiment, opening.identity)
            earlier = next((run for run in found if opening.again or run.info.status != "FINISHED"), None)
            if earlier is None:
                tags, start = {**opening.tags, **opening.identity}, round(1000 * opening.start)
                self._run = client.create_run(experiment, start_time=start, tags=tags, run_name=opening.name).info.run_id
            else:
                self._run = earlier.info.run_id
                self._go_on(client, earlier)
        above = self._search(client, experiment, opening.above)
        if above:
            client.set_tag(self._run, PARENT, above[0].info.run_id)
        for other in self._search(client, experiment, opening.below):
            client.set_tag(other.info.run_id, PARENT, self._run)
        entities: Any = import_module("mlflow.entities")
        params = [
            entities.Param(key, value[:_VALUE]) for key, value in {plain(key): value for key, value in opening.params.items()}.items()
        ]
        for first in range(0, len(params), _PARAMS):
            self._unless_refused(client.log_batch, self._run, params=params[first : first + _PARAMS])
        self._described = True

    def _go_on(self, client: Any, earlier: Any) -> None:
        """An earlier attempt is what this one says of itself, and no longer what that one ended with."""
        client.update_run(self._run, status="RUNNING", name=self._opening.name)
        for key, value in self._opening.tags.items():
            client.set_tag(self._run, key, value)
        for key in _ENDED:
            if key in earlier.data.tags:
                client.delete_tag(self._run, key)

    def _search(self, client: Any, experiment: str, tags: Mapping[str, str]) -> list[Any]:
        """Runs that have these tags, the newest first; none for no tags."""
        clauses = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        order = ["attributes.start_time DESC"]
        return list(client.search_runs([experiment], clauses, max_results=_FOUND, order_by=order)) if tags else []

    def _log(self) -> None:
        kind: Any = import_module("mlflow.entities").Metric
        while self._waiting:
            some = [kind(plain(name), value, at, step) for name, value, at, step in self._waiting[:_METRICS]]
            self._unless_refused(reach().log_batch, self._run, metrics=some)
            self._waiting = self._waiting[_METRICS:]

    def _unless_refused(self, call: Callable[..., object], *arguments: Any, **options: Any) -> None:
        """Send something; what the server will never take is a warning, and stands in the way of nothing."""
        try:
            call(*arguments, **options)
        except import_module("mlflow.exceptions").MlflowException as error:
            if error.error_code not in _REFUSED:
                raise
            if not self._refused:
                print(f"warning: {self._opening.name} is not tracked in full: {str(error)[:_TOLD]}", file=sys.stderr, flush=True)
            self._refused = True

    def _watch(self) -> None:
        """Have the machine's load, memory and devices sampled."""
        monitor: Any = import_module("mlflow.system_metrics.system_metrics_monitor").SystemMetricsMonitor
        self._monitor = monitor(self._run, sampling_interval=_SAMPLING, resume_logging=True)
        self._monitor.start()

    def _unwatch(self) -> None:
        """End the sampling."""
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None

    def _warn(self, why: str) -> None:
        if not self._warned:
            print(f"warning: {self._opening.name} is not tracked for now: {why[:_TOLD]}", file=sys.stderr, flush=True)
        self._warned = True


def is_figure(value: object) -> TypeGuard[int | float]:
    """Whether something is a number that a chart can show."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def reach() -> Any:
    """A client of the server that MLFLOW_TRACKING_URI names."""
    return import_module("mlflow.tracking").MlflowClient()


def _experiment(client: Any, name: str) -> str:
    """The number of an experiment, made if need be."""
    if number := os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return number
    if (found := client.get_experiment_by_name(name)) is not None:
        return found.experiment_id
    try:
        return client.create_experiment(name)
    except import_module("mlflow.exceptions").MlflowException:  # another stage made it in the meantime, or else the next line says why not
        return client.get_experiment_by_name(name).experiment_id


def plain(name: str) -> str:
    """A metric's or parameter's name in the letters that MLflow takes, and no path that leads elsewhere."""
    known = re.sub(r"[^\w.\- :/]", "_", name)[:_NAME] or "_"
    return known if posixpath.normpath(known) == known and not known.startswith((".", "/")) else re.sub(r"[./]", "_", known)


def _closing(source: FileIO, seconds: float) -> Closing | None:
    """What ended the work, if anything does within so many seconds."""
    if not select.select([source], [], [], seconds)[0]:
        return None
    line = source.readline()
    return structure(json.loads(line), Closing, what="how a run ended") if line else Closing(status="KILLED")


def main(descriptor: int | None) -> int:
    """Tell one run from its opening to its closing; returns whether the end could not be told."""
    for key, value in _SETTINGS.items():
        os.environ.setdefault(key, value)
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    source = FileIO(0, closefd=False)  # nothing may be read ahead of what `select` sees
    line = source.readline()
    if not line:
        return 1
    told = Told(structure(json.loads(line), Opening, what="what a run is"))
    curve = Curve(None if descriptor is None else os.fdopen(descriptor, "rb"))
    closing, due = None, 0.0
    while closing is None:
        if descriptor is not None and time.monotonic() >= due:
            told.send(curve.points(), monitored=True)
            due = time.monotonic() + _EVERY
        closing = _closing(source, 0.0 if asked else _POLL) or (Closing(status="KILLED") if asked else None)
    if closing.status == "KILLED":
        signal.alarm(_LAST)  # nobody waits any more
    points = list(curve.points(last=True))
    return int(not told.close(closing, points, curve.step))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
