"""A finished run, made again stage by stage and compared with what it was.

Each stage is run on the very artifacts that it read in the run, not on those that its parents make now: so a difference is
seen where it arises, and does not spread. Only where the recorded artifact is not at hand, what was made again stands in for
it, and the result says so. It runs in a store of its own, which has nothing that the stage could be spared by.
"""

import select
import signal
from collections.abc import Mapping
from types import FrameType
from typing import Literal

import attrs

from pipeline_dsl.base.fault import Exit, Fault
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.lang.fields import StageType
from pipeline_dsl.plan.plan import PlannedStage
from pipeline_dsl.runner.machine import cores
from pipeline_dsl.runner.original import Original
from pipeline_dsl.runner.process import Child, start
from pipeline_dsl.runner.reproduction import Measure, Side, Tolerance, files_that_differ, judged, measured
from pipeline_dsl.runner.run import Watcher
from pipeline_dsl.runner.stage import Terms, taken
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

Status = Literal["bit-identical", "reproduced", "not reproduced", "different", "failed", "taken", "not replayed"]

_TICK = 0.5
_GRACE = 10.0


@attrs.frozen(kw_only=True)
class Result:
    """What became of one stage. `inputs` says whether it read what it read in the run, or what was made again in its place."""

    stage: str
    status: Status
    recorded: str
    replayed: str | None = None
    inputs: Literal["recorded", "replayed"] = "recorded"
    seconds: float | None = None
    seconds_recorded: float | None = None
    measures: tuple[Measure, ...] = ()
    files: tuple[str, ...] = ()
    """The files that are not the same bytes."""
    reason: str = ""


@attrs.frozen(kw_only=True)
class Replay:
    """What to run again. `only` leaves all other stages out; `barred` are stages that are not the ones that ran, with the reason."""

    types: Mapping[str, StageType]
    jobs: int = 0
    only: str | None = None
    barred: Mapping[str, str] = {}
    tolerances: Mapping[str, Tolerance] = {}


@attrs.frozen
class Outcome:
    """How each stage came out, in the order of the plan, and whether the replay was cut short."""

    results: tuple[Result, ...]
    interrupted: bool


def replay(original: Original, order: Replay, store: Store, watcher: Watcher) -> Outcome:
    """Run the stages of a run again, in a fresh store.

    Raises: DigestMismatch if a recorded artifact is not what its digest says.
    """
    return _Replaying(original, order, store, watcher).go()


class _Replaying:
    def __init__(self, original: Original, order: Replay, store: Store, watcher: Watcher) -> None:
        self.original, self.order, self.store, self.watcher = original, order, store, watcher
        self.plan = attrs.evolve(
            original.plan, stages=tuple(attrs.evolve(stage, pin=None) for stage in original.plan.stages)
        )  # what it makes is compared, whatever it was pinned to
        self.jobs = order.jobs or cores()
        self.present = {name: original.artifact(name) is not None for name in original.records}
        self.made: dict[str, Record] = {}
        self.results: dict[str, Result] = {}
        self.children: dict[str, Child] = {}
        self.given: dict[str, dict[str, Record]] = {}
        self.todo: list[PlannedStage] = []
        self.interrupted = False
        self.metrics = {
            **{gate.metric: (gate.unit, gate.family) for gate in original.plan.gates},
            **{name: (metric.unit, metric.family) for name, metric in METRICS.items()},
        }

    def go(self) -> Outcome:
        for stage in self.plan.stages:
            self._sort(stage)
        before = [(number, signal.signal(number, self._interrupt)) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            while True:
                if not self.interrupted:
                    self._start_ready()
                if not self.children:
                    break
                self._wait()
        finally:
            self._stop()
            for number, handler in before:
                signal.signal(number, handler)
        for stage in self.todo:
            missing = [parent for parent in stage.parents if not self.present.get(parent) and parent not in self.made]
            reason = "interrupted" if self.interrupted else f"its input {', '.join(missing)} is neither at hand nor was it made again"
            self._end(stage.name, "not replayed", reason=reason)
        return Outcome(tuple(self.results[stage.name] for stage in self.plan.stages if stage.name in self.results), self.interrupted)

    def _sort(self, stage: PlannedStage) -> None:
        """Decide what is to be done with a stage."""
        name = stage.name
        if name not in self.original.records or self.order.only not in (None, name):
            return
        if name in self.order.barred:
            self._end(name, "different", reason=self.order.barred[name])
        elif self._from_outside(name) and self.present[name] and self.order.only is None:
            self._end(name, "taken", reason="it comes from outside; its bytes are those of the run")
        else:
            self.todo.append(stage)

    def _from_outside(self, name: str) -> bool:
        cls = self.order.types[name].cls
        return cls.external or cls.movable

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True

    def _start_ready(self) -> None:
        for stage in list(self.todo):
            free = self.jobs - sum(self.plan.stage(name).cores for name in self.children)
            given = self._inputs(stage)
            if given is None or (self.children and stage.cores > free):
                continue
            self.todo.remove(stage)
            self._start(stage, given)

    def _inputs(self, stage: PlannedStage) -> dict[str, Record] | None:
        """The records of a stage's parents: of the run where its artifact is at hand, else of the replay; None while one is missing."""
        given: dict[str, Record] = {}
        for parent in stage.parents:
            record = self.original.records[parent] if self.present.get(parent) else self.made.get(parent)
            if record is None:
                return None
            given[parent] = record
        return given

    def _start(self, stage: PlannedStage, given: dict[str, Record]) -> None:
        for parent, record in given.items():
            if self.present.get(parent):
                lend(self.original.store, record.output, self.store)
        _, key = taken(stage, given)
        self.given[stage.name] = given
        log, progress = self.store.layout.log(key), self.store.layout.progress(key)
        terms = Terms(threads=self.plan.local.threads, wait=True, given=given)
        self.children[stage.name] = start(self.plan, stage.name, self.store, log, terms)
        self.watcher.started(stage, progress)

    def _wait(self) -> None:
        running = {child.ended: child for child in self.children.values()}
        ready = select.select(list(running), [], [], _TICK)[0]
        for descriptor in ready:
            self._ended(running[descriptor])
        if self.interrupted:
            self._stop()
        elif not ready:
            self.watcher.tick()

    def _stop(self) -> None:
        """End what runs; nothing that was cut short is compared."""
        for child in self.children.values():
            child.ask()
        for child in list(self.children.values()):
            child.make(_GRACE)
            child.wait()
            del self.children[child.name]
            self._end(child.name, "not replayed", reason="interrupted")

    def _ended(self, child: Child) -> None:
        del self.children[child.name]
        stage, fault = self.plan.stage(child.name), child.wait()
        _, key = taken(stage, self.given[stage.name])
        record = None if fault else self.store.record(key)
        if record is not None:
            self.made[stage.name] = record
            self.watcher.finished(stage, record)
            self._compare(stage, record)
            return
        if fault is not None and fault.exit is Exit.DIGEST and not self._from_outside(stage.name):
            raise fault
        if fault is not None and not self.interrupted:
            self.watcher.failed(stage, fault, child.log)
        self._end(stage.name, "failed", reason=_first_line(fault) if fault else "it ended without a result")

    def _compare(self, stage: PlannedStage, record: Record) -> None:
        recorded = self.original.records[stage.name]
        if record.output == recorded.output:
            self._end(stage.name, "bit-identical", record=record)
            return
        was, now = self.original.store.tree(recorded.output), self.store.tree(record.output)
        measures = measured(stage, Side(was, self.original.store), Side(now, self.store), self.metrics, self.order.tolerances)
        same, reason = judged(measures, was, now)
        files = tuple(files_that_differ(was, now))
        self._end(
            stage.name, "reproduced" if same else "not reproduced", record=record, measures=tuple(measures), files=files, reason=reason
        )

    def _end(
        self,
        name: str,
        status: Status,
        *,
        record: Record | None = None,
        measures: tuple[Measure, ...] = (),
        files: tuple[str, ...] = (),
        reason: str = "",
    ) -> None:
        recorded = self.original.records[name]
        given = self.given.get(name, {})
        own = any(parent.output != self.original.records[parent_name].output for parent_name, parent in given.items())
        self.results[name] = Result(
            stage=name,
            status=status,
            recorded=recorded.output,
            replayed=record.output if record else None,
            inputs="replayed" if own else "recorded",
            seconds=record.wall_clock_sec if record else None,
            seconds_recorded=recorded.wall_clock_sec,
            measures=measures,
            files=files,
            reason=reason,
        )


def lend(theirs: Store, digest: str, ours: Store) -> None:
    """Let an artifact of one store be found in another, by links: no byte is copied.

    Raises: MissingArtifact; DigestMismatch.
    """
    pairs = [(theirs.blob(entry), ours.blob(entry)) for entry in theirs.tree(digest).files]
    for source, target in [*pairs, (theirs.tree_file(digest), ours.tree_file(digest))]:
        if not target.exists() and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(source.resolve())


def _first_line(fault: Fault) -> str:
    return fault.message.splitlines()[0]
