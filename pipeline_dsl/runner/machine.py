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


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out in `folder`, with `-dirty` if files differ from it; None outside of a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
