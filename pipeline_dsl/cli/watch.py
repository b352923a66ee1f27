"""What a run looks like to who started it: a moving line on a terminal, plain lines elsewhere."""

import shutil
import sys
import time
from pathlib import Path

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import Fault
from pipeline_dsl.base.units import counted, dollars, duration
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.code import edited_since
from pipeline_dsl.runner.progress import read_progress
from pipeline_dsl.store.record import Record

_PLAIN_EVERY = 15.0
_TAIL = 20


class Silent:
    """Says nothing: standard output belongs to a program."""

    def cached(self, stage: PlannedStage, record: Record) -> None:
        """A stage was done before."""

    def started(self, stage: PlannedStage, progress: Path) -> None:
        """A stage began."""

    def finished(self, stage: PlannedStage, record: Record) -> None:
        """A stage is done."""

    def failed(self, stage: PlannedStage, fault: Fault, log: Path) -> None:
        """A stage failed."""

    def tick(self) -> None:
        """Half a second passed."""

    def close(self) -> None:
        """The run is over."""


class Lines(Silent):
    """One line an event, on standard error, and one now and then for what takes long."""

    def __init__(self, plan: Plan) -> None:
        self._width = max((len(stage.name) for stage in plan.stages), default=0)
        self._budget = plan.budget_usd
        self._spent = 0.0
        self._total = len(plan.stages)
        self._done = 0
        self._cached = 0
        self._running: dict[str, tuple[float, Path]] = {}
        self._said = time.monotonic()
        self._edited: list[str] = []

    def cached(self, stage: PlannedStage, record: Record) -> None:
        """Counted, and said in one line with the others."""
        self._done += 1
        self._cached += 1
        self._spent += record.cost_usd or 0.0
        if edited_since(record):
            self._edited.append(stage.name)

    def started(self, stage: PlannedStage, progress: Path) -> None:
        """Say that a stage began."""
        if self._cached:
            self._say(f"  = {counted(self._cached, 'stage')} cached")
            self._cached = 0
        self._running[stage.name] = time.monotonic(), progress
        self._say(f"  > {stage.name:<{self._width}}  started")

    def finished(self, stage: PlannedStage, record: Record) -> None:
        """Say that a stage is done, what it took and what is left of the budget."""
        self._running.pop(stage.name, None)
        self._done += 1
        self._spent += record.cost_usd or 0.0
        left = "" if self._budget is None else f", {dollars(max(self._budget - self._spent, 0.0))} left"
        took = f"{duration(record.wall_clock_sec):>7}  {dollars(record.cost_usd)}{left}"
        self._say(f"  + {stage.name:<{self._width}}  {took}  {short(record.output)}  [{self._done}/{self._total}]")

    def failed(self, stage: PlannedStage, fault: Fault, log: Path) -> None:
        """Say that a stage failed, with the end of what it printed."""
        self._running.pop(stage.name, None)
        self._say(f"  ! {stage.name:<{self._width}}  failed")
        if log.exists():
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]:
                self._say(f"    | {line}")
            self._say(f"    the whole log: {log}")

    def tick(self) -> None:
        """Now and then, say how far each running stage is."""
        if time.monotonic() - self._said > _PLAIN_EVERY:
            for name in self._running:
                self._say(f"    {name:<{self._width}}  {self._state(name)}")

    def close(self) -> None:
        """Say which results were taken from the store although the code that makes them was edited."""
        if self._edited:
            one = self._edited[0]
            self._say(f"note: the code of {', '.join(self._edited)} was edited since, and the results from before are used")
            self._say(f"help: raise `version` in the stage type if other results come out now, or run again with `--from {one}`")

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        print(line, file=sys.stderr, flush=True)

    def _state(self, name: str) -> str:
        since, file = self._running[name]
        passed = time.monotonic() - since
        progress = read_progress(file)
        if progress is None:
            return duration(passed)
        step, total = progress.step, max(progress.total, 1)
        figures = ", ".join(f"{figure} {value:.4g}" for figure, value in progress.figures.items())
        left = f", {duration(passed * (total - step) / step)} left" if 0 < step < total else ""
        return f"{duration(passed)}, step {step:.0f}/{total:.0f}{', ' + figures if figures else ''}{left}"


class Terminal(Lines):
    """The same lines, with the running stages below them, redrawn in place."""

    _drawn = 0

    def tick(self) -> None:
        """Redraw what is running."""
        self._erase()
        width = shutil.get_terminal_size().columns
        for name in self._running:
            print(f"    {name:<{self._width}}  {self._state(name)}"[: width - 1], file=sys.stderr)
        self._drawn = len(self._running)
        sys.stderr.flush()

    def close(self) -> None:
        """Leave the terminal as lines."""
        self._erase()
        super().close()

    def _say(self, line: str) -> None:
        self._erase()
        super()._say(line)

    def _erase(self) -> None:
        if self._drawn:
            sys.stderr.write(f"\x1b[{self._drawn}F\x1b[J")
            self._drawn = 0


def watcher(plan: Plan, *, quiet: bool) -> Silent:
    """Who watches a run here: nobody, a terminal, or a log."""
    if quiet:
        return Silent()
    return Terminal(plan) if sys.stderr.isatty() else Lines(plan)
