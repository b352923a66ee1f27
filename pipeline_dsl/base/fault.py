"""What goes wrong while something runs: each a class with a code, an exit code and a way out."""

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """What an exit code means, for every command and on every backend."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    HOLD = 3
    DIGEST = 4
    STAGE = 5
    BUG = 70


class Fault(Exception):
    """A run-time failure that a person can act on.

    A subclass sets `code` and `exit`; an instance carries what happened and, in `help`, what to do.
    """

    code: ClassVar[str] = "PDSL800"
    exit: ClassVar[Exit] = Exit.STAGE

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help

    def __str__(self) -> str:
        text = f"error[{self.code}]: {self.message}"
        return f"{text}\nhelp: {self.help}" if self.help else text


class DigestMismatch(Fault):
    """Bytes are not the bytes that their digest names: tampered, corrupt or cut short."""

    code = "PDSL401"
    exit = Exit.DIGEST


class MissingArtifact(Fault):
    """The store does not hold what a record names."""

    code = "PDSL402"
    exit = Exit.DIGEST


class WrongArtifact(Fault):
    """A directory or a stored tree is not the artifact it is said to be."""

    code = "PDSL403"
    exit = Exit.STAGE


class UnsafePath(Fault):
    """A path inside an artifact leads out of it, or a link does."""

    code = "PDSL404"
    exit = Exit.STAGE


class StoreFull(Fault):
    """No space is left for the store."""

    code = "PDSL405"
    exit = Exit.STAGE


class BadFile(Fault):
    """A plan, manifest or record is not readable as one."""

    code = "PDSL406"
    exit = Exit.FINDINGS


class LogBroken(Fault):
    """The decision log is not as it was written: a line was changed, moved, cut short or lost."""

    code = "PDSL407"
    exit = Exit.DIGEST


class BadSignature(Fault):
    """A signature is not of what it stands beside, or not by whom it names."""

    code = "PDSL408"
    exit = Exit.DIGEST


class MissingLibrary(Fault):
    """A stage needs a library that is not installed."""

    code = "PDSL801"
    exit = Exit.STAGE


class StageFailed(Fault):
    """A stage's own code raised, exited or was killed."""

    code = "PDSL802"
    exit = Exit.STAGE


class Unresolved(Fault):
    """A stage's input has not been produced yet."""

    code = "PDSL803"
    exit = Exit.STAGE


class OverBudget(Fault):
    """The money spent leaves too little for the next stage."""

    code = "PDSL601"
    exit = Exit.HOLD


class Held(Fault):
    """A run is not released: a gate failed, or its evidence is missing."""

    code = "PDSL520"
    exit = Exit.HOLD


class NotAllowed(Fault):
    """The policy does not let this person sign this: no override is written."""

    code = "PDSL521"
    exit = Exit.HOLD


class AlreadyRunning(Fault):
    """Another process is running the same stage on the same inputs."""

    code = "PDSL804"
    exit = Exit.STAGE


class TooDear(Fault):
    """A rollback would run a stage again whose declaration says to fall back to its last good artifact."""

    code = "PDSL805"
    exit = Exit.HOLD


class Usage(Fault):
    """A command was asked for something that cannot be: a stage that is not there, a file that does not exist."""

    code = "PDSL102"
    exit = Exit.USAGE


class Unrenderable(Fault):
    """A declared value cannot be written in a launcher's language, or a backend cannot run what the plan asks for."""

    code = "PDSL701"
    exit = Exit.FINDINGS


class ClusterFailed(Fault):
    """A scheduler's command is not there, or refused what it was asked."""

    code = "PDSL702"
    exit = Exit.STAGE


class RemoteFailed(Fault):
    """A bucket, or another place that runs are shared by, is not there or refused what it was asked."""

    code = "PDSL806"
    exit = Exit.STAGE
