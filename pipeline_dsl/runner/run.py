"""A whole plan: what is done is skipped, what can run at the same time does, and the manifest is true at every moment.

Stages that are ready start while cores are free. After a failure nothing new starts; what runs is finished, since its
result is good. Killed at any moment, the next run goes on from the finished stages.
"""

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Protocol

import attrs

from pipeline_dsl.base.fault import Fault, OverBudget, StageFailed
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.machine import author, cores, git_commit
from pipeline_dsl.runner.overdraft import least, left, overdraft
from pipeline_dsl.runner.resolve import Resolution, advance
from pipeline_dsl.store.files import write_atomically
from pipeline_dsl.store.layout import tail
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

if TYPE_CHECKING:
    from pipeline_dsl.runner.process import Child
    from pipeline_dsl.store.manifest import Signed, Status

_TICK = 0.5
_GRACE = 10.0


class Watcher(Protocol):
    """Whoever is told what happens: a terminal, a log, nobody."""

    def cached(self, stage: PlannedStage, record: Record) -> None:
        """A stage was done before."""

    def started(self, stage: PlannedStage, progress: Path) -> None:
        """A stage began; `progress` is the file in which it will say how far it is."""

    def finished(self, stage: PlannedStage, record: Record) -> None:
        """A stage is done."""

    def failed(self, stage: PlannedStage, fault: Fault, log: Path) -> None:
        """A stage failed."""

    def tick(self) -> None:
        """Half a second passed while something runs."""


@attrs.frozen(kw_only=True)
class Order:
    """What to run of a plan. `again` are stages that run although they are done; `only` leaves all others out."""

    jobs: int = 0
    again: frozenset[str] = frozenset()
    only: frozenset[str] | None = None


@attrs.frozen
class Outcome:
    """How a run ended: its manifest, the fault that stopped it, how many stages ran, what they took and all stages cost."""

    manifest: Path
    fault: Fault | None
    ran: int
    interrupted: bool = False
    seconds: float = 0.0
    cost_usd: float | None = 0.0


def run_folder(store: Store, plan: Plan) -> Path:
    """Where the manifest of a plan's run lives: one plan has one run, however often it is interrupted."""
    return store.layout.runs / f"{plan.pipeline}-{tail(plan.digest)[:12]}"


def run(plan: Plan, store: Store, watcher: Watcher, order: Order) -> Outcome:
    """Run a plan as far as it goes. Faults of stages are in the outcome; the manifest has them too.

    Raises: DigestMismatch, before anything starts, if a finished stage's artifact was damaged.
    """
    return _Run(plan, store, watcher, order).go()


class _Run:
    def __init__(self, plan: Plan, store: Store, watcher: Watcher, order: Order) -> None:
        self.plan, self.store, self.watcher, self.order = plan, store, watcher, order
        self.jobs = order.jobs or plan.local.jobs or cores()
        self.folder = run_folder(store, plan)
        self.resolution = Resolution()
        self.todo: list[PlannedStage] = []
        self.children: dict[str, Child] = {}
        self.again = set(order.again)
        self.fault: Fault | None = None
        self.failed: str | None = None
        self.ran = 0
        self.interrupted = False
        self.commit: str | None = None
        self.author: str | None = None
        self.signed: tuple[Signed, ...] | None = None
        self.written = 0.0

    def go(self) -> Outcome:
        wanted, began = self.order.only, time.monotonic()
        for stage in self.plan.stages:
            record = advance(self.resolution, stage, self.store)
            if wanted is not None and stage.name not in wanted:
                continue
            if record is None or stage.name in self.again:
                self.resolution.records.pop(stage.name, None)  # those that read it wait for what it makes now
                self.todo.append(stage)
            else:
                self._skip(stage, record)
        path = self.folder / "manifest.yaml"
        if not self.todo and path.exists() and self._unchanged(path):
            self._make_newest(path)
            return Outcome(path, None, 0)
        root = Path(self.plan.root or ".")
        self.commit, self.author = git_commit(root), author(root)
        self.store.keep_plan(self.plan)
        write_atomically(self.folder / "plan.json", plans.dump(self.plan).encode())
        if self.todo:
            self._loop()
        self._write(self._status())
        costs = [record.cost_usd for record in self.resolution.records.values()]
        cost = None if None in costs else sum(cost or 0.0 for cost in costs)
        return Outcome(path, self.fault, self.ran, self.interrupted, time.monotonic() - began, cost)

    def _unchanged(self, path: Path) -> bool:
        """Whether a manifest of these very records is there, complete; it is not parsed, which would cost more than all the rest."""
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        found = {line.strip() for line in lines if line.startswith("    record: ")}
        whole = all(f"record: {record.digest}" in found for record in self.resolution.records.values())
        return whole and f"plan: {self.plan.digest}" in lines and "status: complete" in lines

    def _make_newest(self, path: Path) -> None:
        """Let commands that are given no manifest mean this run, which was just asked for, though another was written since."""
        if any(other.stat().st_mtime_ns > path.stat().st_mtime_ns for other in self.store.layout.runs.glob("*/manifest.yaml")):
            with contextlib.suppress(OSError):  # a store that may only be read: the run is still whole
                os.utime(path)

    def _skip(self, stage: PlannedStage, record: Record) -> None:
        self.store.verify(record.output, read=False)
        self.watcher.cached(stage, record)

    def _status(self) -> "Status":
        if self.interrupted:
            return "interrupted"
        if isinstance(self.fault, OverBudget):
            return "held"
        if self.fault is not None:
            return "failed"
        return "complete" if len(self.resolution.records) == len(self.plan.stages) else "running"

    def _loop(self) -> None:
        before = [(number, signal.signal(number, self._interrupt)) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            self._write("running")
            while True:
                if self.fault is None and not self.interrupted:
                    try:
                        self._start_ready()
                    except Fault as fault:  # the store contradicts itself: nothing new starts
                        self.fault = fault
                if not self.children:
                    break
                self._wait()
        finally:
            self._stop()  # what still runs does so only if the store can no longer be written or believed
            for number, handler in before:
                signal.signal(number, handler)
        if self.todo and self.fault is None and not self.interrupted:
            names = ", ".join(stage.name for stage in self.todo)
            self.fault = StageFailed(f"{names} cannot start: an input is not done", help="run without `--only`")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True

    def _start_ready(self) -> None:
        waiting = {stage.name for stage in self.todo} | set(self.children)
        for stage in list(self.todo):  # producers come first, so that what turns out to be done frees those that follow
            free = self.jobs - sum(self.plan.stage(name).cores for name in self.children)
            if (self.children and stage.cores > free) or not waiting.isdisjoint(stage.parents):
                continue
            record = advance(self.resolution, stage, self.store)
            if stage.name not in self.resolution.keys:
                continue
            if record is not None and stage.name not in self.again:  # an early cutoff: the inputs came out the same
                self._skip(stage, record)
                waiting.discard(stage.name)
            elif self._over_budget(stage):
                return
            elif self.children and least(stage) > self._uncommitted():
                continue  # what runs may cost what this one needs
            else:
                self._start(stage)
            self.todo.remove(stage)

    def _uncommitted(self) -> float:
        """What may still be spent once all that runs has ended, USD."""
        return left(self.plan, self.resolution.records.values()) - sum(least(self.plan.stage(name)) for name in self.children)

    def _over_budget(self, stage: PlannedStage) -> bool:
        fault = overdraft(self.plan, stage, self.resolution.records.values())
        if fault is None:
            return False
        self.failed, self.fault = stage.name, fault
        self.watcher.failed(stage, fault, self.store.layout.log(self.resolution.keys[stage.name]))
        return True

    def _start(self, stage: PlannedStage) -> None:
        from pipeline_dsl.runner.process import start  # a run that finds everything done needs none of this
        from pipeline_dsl.runner.stage import Terms

        key = self.resolution.keys[stage.name]
        self.resolution.records.pop(stage.name, None)  # what it made before is no part of this run
        again = stage.name in self.again
        terms = Terms(threads=self.plan.local.threads, force=again, wait=True, git_commit=self.commit, author=self.author)
        log = self.store.layout.log(key)
        progress = self.store.layout.progress(key)
        progress.unlink(missing_ok=True)
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
        """End every stage that runs: all are asked at once, and have as long together."""
        for child in self.children.values():
            child.ask()
        end = time.monotonic() + _GRACE
        for child in list(self.children.values()):
            child.make(end - time.monotonic())
            self._close(child)

    def _close(self, child: "Child") -> Fault | None:
        """Note what became of a stage that has ended; its fault, if it has one."""
        del self.children[child.name]
        fault = child.wait()
        self.again.discard(child.name)
        stage = self.plan.stage(child.name)
        try:
            record = None if fault else advance(self.resolution, stage, self.store)
        except Fault as damage:
            return damage
        if record is None:
            return fault or StageFailed(f"`{child.name}` ended without a result", help="return the artifact's metadata from `run`")
        self.ran += 1
        self.watcher.finished(stage, record)
        return None

    def _ended(self, child: "Child") -> None:
        fault = self._close(child)
        if fault is not None and not self.interrupted and self.fault is None:
            self.fault, self.failed = fault, child.name
            self.watcher.failed(self.plan.stage(child.name), fault, child.log)
        if time.monotonic() - self.written > _TICK:
            self._write("running")

    def _write(self, status: "Status") -> None:
        from pipeline_dsl.runner.history import manifest_of  # a run that finds all done writes nothing, and starts without it
        from pipeline_dsl.store import manifest as manifests

        path, reason = self.folder / "manifest.yaml", self.fault.message if self.fault else None
        if self.signed is None:
            self.signed = manifests.overrides_at(path)
        manifest = manifest_of(self.plan, self.store, self.resolution, status, self.failed, reason, self.commit, self.author, self.signed)
        manifests.write(manifest, path)
        self.written = time.monotonic()
