"""What a command takes: CPU time and memory of all its processes."""

import ctypes
import os
import resource
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Failed(Exception):
    """A measured command did not succeed, so its figures mean nothing."""


@attrs.frozen
class Usage:
    """What a command and all its descendants took: seconds by the clock, CPU seconds (user and system), bytes of memory at the
    peak of the largest process, and bytes that they asked the kernel to read.
    """

    wall: float
    cpu: float
    peak: int
    read: int


def adopt_orphans() -> None:
    """Become the parent of whatever a measured command leaves behind, so that it is counted too.

    Raises: OSError where the kernel refuses.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def measure(argv: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str] | None = None, limit: float = 900) -> Usage:
    """Run a command to its end, then wait for what it left behind; all is killed after `limit` seconds.

    Raises: Failed, with the end of its output, if its exit code is not 0.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    read = _read_so_far()
    start = time.monotonic()
    with (cwd / "measured.log").open("w+b") as log:
        process = subprocess.Popen(
            [str(word) for word in argv], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        timer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max(used.ru_maxrss, reap(patience=30))
        if process.returncode != 0:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 3000))
            raise Failed(f"{' '.join(map(str, argv))}: exit {process.returncode}\n{log.read().decode(errors='replace')}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Usage(wall, cpu, peak * 1024, _read_so_far() - read)


def _read_so_far() -> int:
    """Bytes read by this process and by all its children that were waited for; files mapped into memory do not count."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def reap(patience: float) -> int:
    """Wait for orphans; the largest one's peak memory in KiB.

    Raises: Failed if one still runs after `patience` seconds.
    """
    peak = 0
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            pid, _, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return peak
        if pid:
            peak = max(peak, used.ru_maxrss)
        else:
            time.sleep(0.02)
    raise Failed("a measured command left a process running")


def alternate(cases: Mapping[str, Callable[[], Usage]], rounds: int) -> dict[str, list[Usage]]:
    """Measure all cases once a round, in turn: what disturbs the machine disturbs them alike."""
    found: dict[str, list[Usage]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            found[name].append(case())
    return found


def ratio(ours: Sequence[Usage], other: Sequence[Usage], what: Callable[[Usage], float]) -> float:
    """The median of the ratios of runs that were neighbours in time."""
    return statistics.median(what(a) / max(what(b), 1e-4) for a, b in zip(ours, other, strict=True))


def middle(runs: Sequence[Usage], what: Callable[[Usage], float]) -> float:
    """The median of one figure."""
    return statistics.median(what(run) for run in runs)


def least(runs: Sequence[Usage], what: Callable[[Usage], float]) -> float:
    """The smallest of one figure: what the work takes where nothing disturbs it, so that differences of two mean something."""
    return min(what(run) for run in runs)


def cpu(usage: Usage) -> float:
    """CPU seconds."""
    return usage.cpu


def wall(usage: Usage) -> float:
    """Seconds by the clock."""
    return usage.wall
