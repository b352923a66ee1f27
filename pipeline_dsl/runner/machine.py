"""The machine that this process runs on, and the code that it was started from."""

import os
import subprocess
from functools import cache
from pathlib import Path

from pipeline_dsl.store.record import Machine


@cache
def this_machine() -> Machine:
    """What a record says about where a stage ran; nothing in it names the machine."""
    system = os.uname()
    processor = system.machine
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), processor)
    except OSError:
        processor = system.machine
    return Machine(
        system=f"{system.sysname} {system.machine}",
        processor=processor,
        cores=cores(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def author(folder: Path) -> str:
    """Who runs something in `folder`: what PDSL_AUTHOR says, else git's `user.email`, else the name of the system's user.

    It is what a person says of themselves, and no proof.
    """
    said = os.environ.get("PDSL_AUTHOR", "").strip() or _git(folder, "config", "user.email") or _account()
    return "".join(letter for letter in said if letter.isprintable())[:200]


def _account() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number that nobody named
        return f"user {os.getuid()}"


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out in `folder`, with `-dirty` if files differ from it; None outside of a repository."""
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def is_uncommitted(file: Path) -> bool:
    """Whether a file in a git repository differs from its commit, or is in none; a file outside of a repository does not."""
    return bool(_git(file.absolute().parent, "status", "--porcelain", "--ignored", "--", file.name))


def _git(folder: Path, *words: str) -> str | None:
    """What git prints; None where there is no git, or where it has nothing to say."""
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
