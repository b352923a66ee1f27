"""A server process that we start, listen to and end: it never outlives us."""

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline_dsl.base.fault import Exit, Fault

TAIL = 60
"""Lines of output that are kept for the error message."""


class ServerFailed(Fault):
    """A server, or the engine behind it, did not start or ended by itself."""

    code = "PDSL820"
    exit = Exit.STAGE


class Child:
    """A tethered process in a group of its own, whose output is read line by line."""

    def __init__(self, command: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str]) -> None:
        tether = [sys.executable, "-P", str(Path(__file__).with_name("tether.py")), str(os.getpid())]
        self._name = Path(command[0]).name if len(command) == 1 else " ".join(Path(part).name for part in command[:4])
        self._lines: collections.deque[str] = collections.deque(maxlen=TAIL)
        self._process = subprocess.Popen(
            [*tether, *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's id, which is that of its group."""
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._arrived:
                self._lines.append(line.rstrip())
                self._arrived.notify_all()
        with self._arrived:
            self._arrived.notify_all()

    def wait_for(self, pattern: str, seconds: float) -> str:
        """The first group of `pattern` in a line of the output, once one matches.

        Raises: ServerFailed if the process ends first, or the time does.
        """
        compiled = re.compile(pattern)
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                for line in self._lines:
                    found = compiled.search(line)
                    if found:
                        return found.group(1)
                if not self._reader.is_alive() and self._process.poll() is not None:
                    raise self.fault(f"ended with {self._process.returncode} before it was up")
                if time.monotonic() > deadline:
                    raise self.fault(f"is not up after {seconds:.0f} s")
                self._arrived.wait(0.1)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def fault(self, what: str) -> ServerFailed:
        """A fault of this process, with the end of its output."""
        tail = "\n  ".join(list(self._lines)[-12:])
        return ServerFailed(f"`{self._name}` {what}; the end of its output:\n  {tail}")

    def stop(self, grace: float = 5.0) -> int:
        """Ask the process and all it started to end, make them after `grace` seconds, and give its exit code."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._signal(signal.SIGKILL)
        code = self._process.wait()
        self._reader.join(1.0)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
