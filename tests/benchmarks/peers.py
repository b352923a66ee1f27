"""The tools that a user would take instead, each in an environment of its own: dvc and snakemake, measured on the same graph."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from tests.benchmarks.floor import Node
from tests.benchmarks.graphs import write_dvc, write_snakemake
from tests.benchmarks.usage import Usage, measure

PINS = {"dvc": "dvc==3.67.1", "snakemake": "snakemake==9.27.1"}
LIBRARIES = {"datatrove": ("datatrove[io,processing]==0.10.1", "spacy<3.9")}
"""Peers that are no commands: what is installed for each."""


@attrs.frozen
class Peer:
    """One tool: `check` and `run` are its words for looking and for doing; `state` is what a fresh run must not find."""

    name: str
    folder: Path
    program: Path
    write: Callable[[Path, Sequence[Node]], None]
    setup: Sequence[Sequence[str]]
    check: Sequence[str]
    run: Sequence[str]
    state: Sequence[str]

    def prepare(self, nodes: Sequence[Node]) -> None:
        """Write the graph, and forget all earlier runs."""
        for name in self.state:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "dvc.lock").unlink(missing_ok=True)
        self.write(self.folder, nodes)
        for command in self.setup:
            measure([self.program, *command], cwd=self.folder, environment=self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """Its own home, so that nothing of the user's decides; no telemetry."""
        return {
            "PATH": f"{self.program.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "DVC_SITE_CACHE_DIR": str(self.folder / "site"),
            "DVC_NO_ANALYTICS": "1",
            "LANG": "C.UTF-8",
        }

    def checked(self) -> Usage:
        """Look at the graph without running it."""
        return measure([self.program, *self.check], cwd=self.folder, environment=self.environment)

    def ran(self) -> Usage:
        """Run what has to be run."""
        return measure([self.program, *self.run], cwd=self.folder, environment=self.environment)


def dvc(program: Path, folder: Path) -> Peer:
    """DVC. Its `repro --dry` fails on a pipeline that never ran, so its `status` is what looks."""
    setup = (("init", "-q", "-f", "--no-scm"), ("config", "core.check_update", "false"))
    return Peer("dvc", folder, program, write_dvc, setup, ("status",), ("repro", "-q"), ("out", ".dvc", "site"))


def snakemake(program: Path, folder: Path) -> Peer:
    """Snakemake, on two cores."""
    return Peer("snakemake", folder, program, write_snakemake, (), ("-n", "-q"), ("-c2", "-q"), ("out", ".snakemake"))


def found(environments: Path | None, folder: Path) -> list[Peer]:
    """The peers whose environment is there: `environments/NAME/bin/NAME`."""
    makers = {"dvc": dvc, "snakemake": snakemake}
    programs = {name: environments / name / "bin" / name for name in makers} if environments else {}
    peers: list[Peer] = []
    for name, program in programs.items():
        if program.is_file():
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            peers.append(makers[name](program.absolute(), place))
    return peers


def install(environments: Path) -> None:
    """Make an environment for each peer that has none, by pip.

    Raises: CalledProcessError.
    """
    for name, pins in {**{name: (pin,) for name, pin in PINS.items()}, **LIBRARIES}.items():
        there = library(environments, name) if name in LIBRARIES else (environments / name / "bin" / name).is_file()
        if not there:
            print(f"installing {', '.join(pins)} into {environments / name}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(environments / name)], check=True)
            python = environments / name / "bin" / "python"
            subprocess.run([str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *pins], check=True)


def library(environments: Path | None, name: str) -> Path | None:
    """The interpreter of a peer that is a library; None where it is not installed."""
    if environments is None:
        return None
    installed = any((environments / name / "lib").glob(f"python*/site-packages/{name}"))
    return (environments / name / "bin" / "python").absolute() if installed else None
