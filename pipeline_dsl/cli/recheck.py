"""`pdsl check --watch`: check, wait until something changes that the check has read, and check again.

Every check is a child process, forked from one that has imported no pipeline: its modules are fresh, and pdsl itself is there already.
Files are polled by `stat`: they are a hundred at most, and a poll works alike on every file system.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.fault import Fault
from pipeline_dsl.compiler.check import all_checks

_EVERY = 0.2
"""Seconds between two looks."""

_CLOCK = 20_000_000
"""Nanoseconds by which a file system's clock may be behind the system's."""


class Checked(Protocol):
    """What a check gives back."""

    @property
    def found(self) -> Sequence[Diagnostic]:
        """All findings."""
        ...


def keep_checking(targets: Sequence[str], check: Callable[[], Checked]) -> None:
    """Run `check`, which prints, again and again; return when the user interrupts it."""
    all_checks()  # imported once, before any child needs them
    files = {target for target in targets if target.endswith(".py")}
    try:
        while True:
            before, listed = _stamps(files), {folder: _modules(folder) for folder in {*map(_folder, files)}}
            began = time.time_ns()
            read, missing = _in_a_child(check)
            files = {*files, *read}
            known = {**_unless_changed(_stamps(read), began), **before}
            _wait_for_change(known, {folder: listed.get(folder, frozenset()) for folder in missing})
    except KeyboardInterrupt:
        print()


Stamp = tuple[int, int] | None
"""Size and time of change of a file; None where there is none."""


def _stamps(files: Iterable[str]) -> dict[str, Stamp]:
    return {file: _stamp(file) for file in files}


def _stamp(file: str) -> Stamp:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


_OTHER = (-1, -1)
"""The stamp of no file."""


def _unless_changed(stamps: Mapping[str, Stamp], began: int) -> dict[str, Stamp]:
    """Stamps of files that were met only now; one that was written or removed since the check began counts as changed."""
    return {file: _OTHER if stamp is None or stamp[1] > began - _CLOCK else stamp for file, stamp in stamps.items()}


def _wait_for_change(known: Mapping[str, Stamp], listed: Mapping[str, frozenset[str]]) -> None:
    """Return once a file is another than when it was checked, or one appears in a folder where a module was missing."""
    while True:
        changed = sorted(file for file, stamp in known.items() if _stamp(file) != stamp)
        changed += sorted(folder for folder, names in listed.items() if _modules(folder) != names)
        if changed:
            print(f"\n{time.strftime('%H:%M:%S')} {os.path.relpath(changed[0])} changed\n", flush=True)
            return
        time.sleep(_EVERY)


def _folder(file: str) -> str:
    return os.path.dirname(os.path.abspath(file))


def _modules(folder: str) -> frozenset[str]:
    """What could be imported from a folder; `__pycache__`, which a check makes, could not."""
    try:
        return frozenset(entry.name for entry in os.scandir(folder) if entry.name[0] not in "_." and not entry.name.endswith(".pyc"))
    except OSError:
        return frozenset()


def _in_a_child(check: Callable[[], Checked]) -> tuple[list[str], list[str]]:
    """Check in a process of its own; the files that it read, and the folders in which a module was looked for in vain."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with open(writing, "w", encoding="utf-8") as stream:
            json.dump(_checked(check), stream)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return json.loads(said) if said else ([], [])


def _checked(check: Callable[[], Checked]) -> tuple[list[str], list[str]]:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupt ends the child at once, and the parent says the last word
    before = set(sys.modules)
    found: Sequence[Diagnostic] = ()
    try:
        found = check().found
    except Fault as fault:
        print(fault, file=sys.stderr)
    read = {file for name in set(sys.modules) - before if isinstance(file := getattr(sys.modules[name], "__file__", None), str)}
    pointed = {span.file for finding in found for span in (finding.span, *(related.span for related in finding.related)) if span}
    missing = {_folder(finding.span.file) for finding in found if finding.code == "PDSL101" and finding.span}
    return sorted(os.path.abspath(file) for file in {*read, *pointed}), sorted(missing)
