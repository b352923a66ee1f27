"""One stage, one process: forked, so that starting one costs a few milliseconds and not the imports again.

The process leads a session of its own, so that ending it ends everything it started, and ends itself when the runner dies.
The runner never has a second thread, which is what makes forking safe.
"""

import ctypes
import gc
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import attrs

from pipeline_dsl.base.fault import Exit
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.stage import Terms, fault_of, run_stage
from pipeline_dsl.store.store import Store

_PR_SET_PDEATHSIG = 1


@attrs.frozen(eq=False)
class Child:
    """A running stage. `pipe` is readable once the process has ended."""

    name: str
    pid: int
    pipe: int
    log: Path

    def wait(self) -> int:
        """The exit code of the ended process; a signal's number, negated, if one ended it. Ends whatever it left behind."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pipe)
        _kill_group(self.pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(status)

    def stop(self, grace: float) -> None:
        """Ask the stage and all it started to end, and after `grace` seconds make them."""
        _kill_group(self.pid, signal.SIGTERM)
        if not select.select([self.pipe], [], [], grace)[0]:
            _kill_group(self.pid, signal.SIGKILL)


def start(plan: Plan, name: str, store: Store, log: Path, terms: Terms) -> Child:
    """Start a stage. Its output goes to `log`, appended."""
    log.parent.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    read, write = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(write)
        return Child(name, pid, read, log)
    _be_child(plan, name, store, log, terms, parent, libc)


def _be_child(plan: Plan, name: str, store: Store, log: Path, terms: Terms, parent: int, libc: ctypes.CDLL | None) -> NoReturn:
    code = int(Exit.BUG)
    try:
        os.setsid()
        gc.freeze()  # what was inherited is never collected, so its pages stay shared
        gc.enable()
        signal.signal(signal.SIGTERM, _die_with_group)
        signal.signal(signal.SIGINT, _die_with_group)
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:  # it died before we asked
                os._exit(int(Exit.STAGE))
        _redirect(log)
        environment = {"OMP_NUM_THREADS": str(terms.threads), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        os.environ.update({name: value for name, value in environment.items() if name not in os.environ})
        code = run_reporting(plan, name, store, terms)
    except BaseException:  # a child must never return into the runner's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_reporting(plan: Plan, name: str, store: Store, terms: Terms) -> int:
    """Run a stage; print what went wrong to standard error, and return the exit code."""
    try:
        run_stage(plan, name, store, terms)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a user's stage may raise anything
        fault = fault_of(error, name)
        if fault is not error:
            traceback.print_exception(error)
        print(fault, file=sys.stderr)
        return int(fault.exit)
    return int(Exit.OK)


def _redirect(log: Path) -> None:
    source = os.open(os.devnull, os.O_RDONLY)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(source, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False, errors="backslashreplace")
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="backslashreplace")


def _die_with_group(signum: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _kill_group(os.getpid(), signal.SIGTERM)
    os._exit(128 + signum)


def _kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
