"""The processes that a stage started, and those that they started, however far they moved away.

A process group is not enough: torchrun, servers and daemons begin sessions of their own. A process that has adopted its
descendants is given each one whose parent ends, so that it finds all of them below itself for as long as it lives.
"""

import ctypes
import os
import signal
import time
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_POLL = 0.02
_PATIENCE = 10.0  # for what cannot be killed at once, such as a process that waits for a disk


def library() -> ctypes.CDLL:
    """The C library; load it before a fork, which is no place to load anything."""
    return ctypes.CDLL(None, use_errno=True)


def adopt(libc: ctypes.CDLL, parent: int) -> bool:
    """Take charge of all descendants of this process, and be asked to end when `parent` does.

    Returns: False if the parent had ended before.
    """
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    return os.getppid() == parent


def end_descendants(grace: float) -> None:
    """End everything below this process: ask, and after `grace` seconds (0 is not to ask) make them."""
    if not _reaped():  # the usual case, for the price of one system call
        return
    if grace:
        _send(signal.SIGTERM)
        end = time.monotonic() + grace
        while time.monotonic() < end:
            if not _reaped():
                return
            time.sleep(_POLL)
    end = time.monotonic() + _PATIENCE
    while _reaped() and time.monotonic() < end:
        _send(signal.SIGKILL)
        time.sleep(_POLL)


def _reaped() -> bool:
    """Collect the children that ended; whether one is left, without which there is no descendant either."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return False
    return True


def _send(number: int) -> None:
    for pid in below(os.getpid()):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def below(ancestor: int) -> list[int]:
    """The process ids of all living descendants of a process, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # the name, in parentheses, may hold anything; what follows is the state and the parent
                parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = list(children.get(ancestor, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found
