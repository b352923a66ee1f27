"""One stage, one process: forked, so that starting one costs a few milliseconds and not the imports again.

The process ends everything it started when it ends, and ends itself when the runner dies.
The runner never has a second thread, which is what makes forking safe.
"""

import ctypes
import gc
import json
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

import attrs

from pipeline_dsl.base.fault import Exit, Fault, StageFailed
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner import telemetry
from pipeline_dsl.runner.code import code_digest
from pipeline_dsl.runner.descendants import adopt, end_descendants, library
from pipeline_dsl.runner.stage import Terms, fault_of, run_stage
from pipeline_dsl.store.store import Store

_GRACE = 5.0  # less than the runner leaves a stage that it ends
_STOPPING = (signal.SIGINT, signal.SIGTERM)
_WORDS = 32_000  # fits the pipe, so that saying them never waits for a reader


@attrs.frozen(eq=False)
class Child:
    """A running stage.

    `ended` is readable once the process has ended, whatever it left running; `words` holds the fault that ended it, which a
    full disk does not keep from arriving.
    """

    name: str
    pid: int
    ended: int
    words: int
    log: Path

    def wait(self) -> Fault | None:
        """Why the process ended, once it has; None if the stage is done. Ends what it left in its group."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        _signal_group(self.pid, signal.SIGKILL)  # while its number is still its own
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        said = _read(self.words)
        os.close(self.ended)
        os.close(self.words)
        if code < 0:
            return StageFailed(f"`{self.name}` was killed by {_signal_name(-code)}", help="run again: it goes on from its last checkpoint")
        if code == Exit.OK:
            return None
        return _fault(said) or StageFailed(f"`{self.name}` ended with exit code {code}")

    def ask(self) -> None:
        """Ask the stage and all it started to end."""
        _signal_group(self.pid, signal.SIGTERM)

    def make(self, seconds: float) -> None:
        """End the stage after at most so many seconds."""
        if not select.select([self.ended], [], [], max(seconds, 0.0))[0]:
            _signal_group(self.pid, signal.SIGKILL)


def start(plan: Plan, name: str, store: Store, log: Path, terms: Terms) -> Child:
    """Start a stage. Its output goes to `log`, appended."""
    log.parent.mkdir(parents=True, exist_ok=True)
    libc = library()
    _read_code(plan, name)
    words, say = os.pipe()
    os.set_blocking(words, False)
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # until the child has its own handlers
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(say)
        return Child(name, pid, os.pidfd_open(pid), words, log)
    _be_child(plan, name, store, log, terms, parent, libc, say)


def _read_code(plan: Plan, name: str) -> None:
    """Digest a stage's code here, once, if its module is imported: every child inherits that."""
    module = sys.modules.get(plan.stage(name).type.partition(":")[0])
    for cls in vars(module).values() if module else ():
        if isinstance(cls, type) and cls.__module__ == plan.stage(name).type.partition(":")[0]:
            code_digest(cls)
            return


def _be_child(plan: Plan, name: str, store: Store, log: Path, terms: Terms, parent: int, libc: ctypes.CDLL, say: int) -> NoReturn:
    code = int(Exit.BUG)
    try:
        os.setsid()
        gc.enable()
        for number in _STOPPING:
            signal.signal(number, _die_with_descendants)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        if adopt(libc, parent):
            _redirect(log)
            fault = attempt(plan, name, store, terms)
            code = int(fault.exit) if fault else int(Exit.OK)
            if fault:
                os.write(say, _words(fault))
            end_descendants(0)
    except BaseException as error:  # a child must never return into the runner's code
        fault = fault_of(error, name)
        os.write(say, _words(fault))
        _tell(error, fault)
    finally:
        os._exit(code)


def run_reporting(plan: Plan, name: str, store: Store, terms: Terms) -> int:
    """Run a stage; print what went wrong to standard error, and return the exit code."""
    fault = attempt(plan, name, store, terms)
    return int(fault.exit) if fault else int(Exit.OK)


def attempt(plan: Plan, name: str, store: Store, terms: Terms) -> Fault | None:
    """Run a stage; print what went wrong to standard error, and return it."""
    environment = {"OMP_NUM_THREADS": str(terms.threads), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.environ.update({name: value for name, value in environment.items() if name not in os.environ})
    began = time.time()
    try:
        record = run_stage(plan, name, store, terms)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's stage may raise anything
        fault = fault_of(error, name)
        _tell(error, fault)
        telemetry.tell_attempt(plan, name, store, began, fault)
        return fault
    finally:
        _flush()
    telemetry.tell_attempt(plan, name, store, began, record)
    return None


def _tell(error: BaseException, fault: Fault) -> None:
    try:
        if fault is not error:
            traceback.print_exception(error)
        print(fault, file=sys.stderr)
    except OSError:  # no place is left to say it in; the runner hears it by the pipe
        return


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # the disk is full, or the stage closed it: neither changes what was made
            continue


def _words(fault: Fault) -> bytes:
    half = _WORDS // 16  # a character takes up to 6 bytes in JSON
    return json.dumps([fault.code, fault.message[:half], fault.help[:half]]).encode() + b"\n"


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, _WORDS)
    except BlockingIOError:  # nothing was said, and something that the stage forked holds the other end
        return b""


def _fault(said: bytes) -> Fault | None:
    if not said:
        return None
    code, message, help = json.loads(said.partition(b"\n")[0])  # what was said first is the reason
    return next((kind for kind in _subclasses(Fault) if kind.code == code), StageFailed)(message, help=help)


def _subclasses(kind: type[Fault]) -> list[type[Fault]]:
    return [kind, *(deeper for direct in kind.__subclasses__() for deeper in _subclasses(direct))]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have none
        return f"signal {number}"


def _redirect(log: Path) -> None:
    source = os.open(os.devnull, os.O_RDONLY)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(source, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False, errors="backslashreplace")
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="backslashreplace")


def _die_with_descendants(signum: int, frame: object) -> NoReturn:
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    end_descendants(_GRACE)
    os._exit(128 + signum)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except PermissionError:
        return
    except ProcessLookupError:  # it was forked a moment ago and leads no group yet
        os.kill(pid, number)
