"""Pipelines compiled and run in a test's own folder, either in this process or by the command line."""

import itertools
import os
import re
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import yaml

from pipeline_dsl.base.fault import Fault
from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.run import Order, Outcome, run
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store
from tests.command import pdsl
from tests.runner.stages import NOTES

HEADER = "from pipeline_dsl import *\nfrom tests.runner.stages import *\n"

DIAMOND = """
root = Step(label='root', seconds={seconds})
left = Step(label='left', reads=(root,), seconds={seconds})
right = Step(label='right', reads=(root,), seconds={seconds})
join = Step(label='join', reads=(left, right), seconds={seconds})
last = Step(label='last', reads=(join, root), seconds={seconds})
pipeline = Pipeline(name='diamond', targets=[last])
"""

_count = itertools.count()


class Quiet:
    """Watches a run, and keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def cached(self, stage: PlannedStage, record: Record) -> None:
        self.seen.append(f"cached {stage.name}")

    def started(self, stage: PlannedStage, progress: Path) -> None:
        self.seen.append(f"started {stage.name}")

    def finished(self, stage: PlannedStage, record: Record) -> None:
        self.seen.append(f"finished {stage.name}")

    def failed(self, stage: PlannedStage, fault: Fault, log: Path) -> None:
        self.seen.append(f"failed {stage.name}")

    def tick(self) -> None:
        self.seen.append("tick")


@attrs.frozen
class Bench:
    """A folder with a store, a side file of notes, and pipelines that are written into it."""

    folder: Path

    @property
    def store(self) -> Store:
        return Store(Layout(self.folder / ".pdsl"))

    def write(self, text: str, name: str = "") -> Path:
        path = self.folder / f"{name or f'probe_{os.getpid()}_{next(_count)}'}.py"
        path.write_text(HEADER + text)
        return path

    def plan(self, text: str) -> Plan:
        compiled = compile_target(str(self.write(text)))
        assert compiled.plan is not None, compiled.diagnostics
        return compiled.plan

    def run(self, plan: Plan | str, jobs: int = 1, watch: Quiet | None = None, **order: Any) -> Outcome:
        """Run a plan from this process, its stages in theirs."""
        plan = self.plan(plan) if isinstance(plan, str) else plan
        with environment(**self.environment):
            return run(plan, self.store, watch or Quiet(), Order(jobs=jobs, **order))

    def pdsl(self, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        everything: dict[str, Any] = {**self.environment, **environment}
        return pdsl(*arguments, cwd=self.folder, **everything)

    @property
    def environment(self) -> dict[str, str]:
        return {NOTES: str(self.folder / "notes")}

    def notes(self) -> list[str]:
        """What the stages did, in order, without the times."""
        file = self.folder / "notes"
        return [line.rpartition(" ")[0] for line in file.read_text().splitlines()] if file.exists() else []

    def times(self) -> dict[str, int]:
        """When the stages did what they did, in nanoseconds."""
        return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in (self.folder / "notes").read_text().splitlines()}

    def manifest(self) -> dict[str, Any]:
        """The one manifest in the folder, as YAML has it."""
        (file,) = self.folder.glob(".pdsl/runs/*/manifest.yaml")
        return yaml.safe_load(file.read_text())


@contextmanager
def environment(**values: str) -> Generator[None]:
    """Environment variables, for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def timeless(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without what two runs of the same stages may differ in: times, costs, the commit, and digests of records."""
    varying = {"wall_clock_sec", "cost_usd", "record"}
    stages = {name: {key: value for key, value in entry.items() if key not in varying} for name, entry in manifest["stages"].items()}
    dropped = {"git_commit", "cost_total_usd", "wall_clock_total_sec"}
    return {key: value for key, value in manifest.items() if key not in dropped} | {"stages": stages}


def faults(text: str) -> list[str]:
    """The codes of the errors in what a command printed."""
    return re.findall(r"^error\[(PDSL\d+)\]", text, flags=re.MULTILINE)
