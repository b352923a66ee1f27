"""Ending a run at a chosen moment, and finding what it left behind.

`killed` is all that is needed to end any command line by any signal after any time: a real pipeline as well as a fast one.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from tests.command import ROOT

MARK = "PDSL_TEST_MARK"
"""An environment variable that every descendant of a command inherits, whatever it does to its parents and groups."""


@attrs.frozen
class Ended:
    """How a command ended: its exit code (negative: the signal), what it printed, its mark, and how long it ran."""

    code: int
    output: str
    mark: str
    seconds: float


@attrs.frozen(eq=False)
class Started:
    """A command that runs."""

    process: "subprocess.Popen[bytes]"
    mark: str
    output: Path
    began: float

    def end(self, how: signal.Signals | None = None, timeout: float = 60) -> Ended:
        """Send a signal, if one is given and the command still runs, and wait for the end."""
        if how is not None and self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout)
        return Ended(code, self.output.read_text(errors="replace"), self.mark, time.monotonic() - self.began)


def start(argv: Sequence[str | Path], *, cwd: Path, **environment: str) -> Started:
    """Start `pdsl` with these arguments in a session of its own, so that no terminal's signal reaches it but ours."""
    mark = uuid.uuid4().hex
    output = cwd / f"output-{mark}"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline_dsl", *map(str, argv)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), MARK: mark, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Started(process, mark, output, time.monotonic())


def killed(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    after: float,
    how: signal.Signals = signal.SIGKILL,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run `pdsl` with these arguments and send it a signal after so many seconds, unless it ended before."""
    started = start(argv, cwd=cwd, **(environment or {}))
    try:
        return started.end(timeout=after)
    except subprocess.TimeoutExpired:
        return started.end(how)


def survivors(mark: str) -> list[int]:
    """The processes that have the mark in their environment and are not zombies."""
    wanted = f"{MARK}={mark}".encode()
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def left_behind(mark: str, within: float = 8.0) -> list[int]:
    """The processes with the mark that are still there after so many seconds; none as soon as there is none."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not survivors(mark):
            return []
        time.sleep(0.02)
    return survivors(mark)


def until(condition: Callable[[], object], started: Started, within: float = 20.0) -> None:
    """Wait, while a command runs, until a function returns something true; the command is ended if that never comes.

    Raises: AssertionError, with what the command printed, if it ends first or it takes more than so many seconds.
    """
    end = time.monotonic() + within
    while not condition():
        if started.process.poll() is not None or time.monotonic() > end:
            ended = started.end(signal.SIGTERM)
            raise AssertionError(f"it never came to pass; exit code {ended.code}\n{ended.output}")
        time.sleep(0.01)
