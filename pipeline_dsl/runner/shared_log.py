"""The decision log where others reach it: a file a line, each made once, so that two who push at the same moment are told apart."""

import re
from collections.abc import Sequence

from pipeline_dsl.base.fault import LogBroken, Usage
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.remote import Remote


def push_log(log: Log, remote: Remote) -> None:
    """Send the lines that are not there.

    Raises: Usage if others are there instead; LogBroken.
    """
    lines, there = [entry.spelled() for entry in log.entries()], _numbers(remote)
    _same_begin(lines, there, remote)
    for number, line in enumerate(lines[len(there) :], len(there) + 1):
        if not remote.create(f"decisions/{number:08d}", line) and remote.read(f"decisions/{number:08d}") != line:
            raise _other_log(remote)


def lines_to_pull(log: Log, remote: Remote) -> tuple[int, list[bytes]]:
    """How many lines are here, and those that are only there.

    Raises: Usage if others are here instead; LogBroken.
    """
    here, there = [entry.spelled() for entry in log.entries()], _numbers(remote)
    _same_begin(here, there, remote)
    lines = [remote.read(f"decisions/{name}") for name in there[len(here) :]]
    whole = [line for line in lines if line is not None and b"\n" not in line]
    if len(whole) != len(lines):
        raise LogBroken(f"lines of the decision log in {remote.url} are gone, or are none")
    return len(here), whole


def _numbers(remote: Remote) -> list[str]:
    """The lines that a remote has; what is no line, such as a draft of somebody who was killed, is left out."""
    return [name for name in remote.names("decisions") if re.fullmatch(r"[0-9]{8,}", name)]


def _same_begin(lines: Sequence[bytes], there: Sequence[str], remote: Remote) -> None:
    """Make sure that one log is the begin of the other: each line has the digest of the one before, so the last common one says it."""
    common = min(len(lines), len(there))
    if list(there) != [f"{number:08d}" for number in range(1, len(there) + 1)]:
        raise LogBroken(f"lines of the decision log in {remote.url} are gone")
    if common and remote.read(f"decisions/{there[common - 1]}") != lines[common - 1]:
        raise _other_log(remote)


def _other_log(remote: Remote) -> Usage:
    help = "one store has one log: pull into another folder with `--store`, or push to another folder of the bucket"
    return Usage(f"the decision log here and the one in {remote.url} went different ways", help=help)
