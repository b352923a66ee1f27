"""Start a function in several processes that know their rank, and wait for all of them.

Three kinds of process: the stage calls `launch`, which starts torchrun (`agent`), which starts the ranks (`rank`). Each
dies with the one that started it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml.rank import write_whole

GRACE = 15.0
"""Seconds that torchrun gets to end its ranks before it is killed, and they with it."""

_TAIL = 30  # lines of a failed rank's log that the error carries
_LEAKS = ("ACCELERATE_", "DEEPSPEED_", "FSDP_", "TORCHELASTIC_", "PET_", "OMPI_", "PMI_")
_OWN = frozenset({"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK", "MASTER_ADDR", "MASTER_PORT"})


def launch(
    target: str,
    config: Mapping[str, Any],
    *,
    processes: int,
    folder: Path,
    threads: int = 1,
    progress_file: Path | None = None,
) -> dict[str, str]:
    """Call `target`, a `module:function`, with a `Rank` in each of `processes` processes on this machine, and wait.

    Returns the versions of the libraries that rank 0 asked for.

    `config` is JSON data and reaches every rank. `threads` are cores for all processes together. The ranks' output goes to
    ours, line by line behind `[rank0]:`, and whole into `folder/launch`, which is emptied first. Rank 0 keeps
    `progress_file` up to date: an object with `step`, `total`, `figures` and the Unix `time`.
    Raises: StageFailed, with the end of the log of the rank that failed first. Whatever else ends the wait, such as
    KeyboardInterrupt, ends the group.
    """
    place = folder / "launch"
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    job = {
        "target": target,
        "config": dict(config),
        "processes": processes,
        "progress": str(progress_file) if progress_file else None,
        "parent": os.getpid(),
    }
    write_whole(place / "job.json", job)
    agent = subprocess.Popen(
        [sys.executable, "-m", "pipeline_dsl.ml.agent", str(place / "job.json")],
        env=environment(os.environ, folder=folder, threads=max(1, threads // processes)),
        stdin=subprocess.DEVNULL,
    )
    try:
        status = agent.wait()
    finally:
        _end(agent)
    if status:
        raise _failure(place, target, status)
    return _read(place / "libraries.json")


def environment(outer: Mapping[str, str], *, folder: Path, threads: int) -> dict[str, str]:
    """The environment of a rank with `threads` cores: ours, without what another launcher left in it and with no way to a hub."""
    kept = {name: value for name, value in outer.items() if not name.startswith(_LEAKS) and name not in _OWN}
    path = [entry for entry in sys.path if entry]  # a rank must find the modules that this process finds
    return kept | {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore::FutureWarning:torch.distributed.c10d_logger",  # DeepSpeed's calls, one line a call
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCH_EXTENSIONS_DIR": str(folder / "torch_extensions"),
        "TORCHELASTIC_LOG_LINE_PREFIX_TEMPLATE": "[rank${rank}]: ",
    }


def _end(agent: subprocess.Popen[bytes]) -> None:
    if agent.poll() is not None:
        return
    agent.terminate()
    try:
        agent.wait(GRACE)
    except subprocess.TimeoutExpired:
        agent.kill()
        agent.wait()


def _failure(folder: Path, target: str, status: int) -> StageFailed:
    exits = cast("dict[str, int]", _read(folder / "exits.json"))
    notes = {path.stem.partition("-")[2]: _read(path) for path in folder.glob("failed-*.json")}
    first = _first(exits, notes)
    if first is None:
        return StageFailed(f"the launcher of `{target}` ended with status {status} before a rank failed", help="its log is above")
    code = exits.get(first, 1)
    why = notes[first]["message"] if first in notes else f"killed by signal {-code}" if code < 0 else f"exit status {code}"
    hint = "out of memory? signal 9 is also what the kernel sends then" if code == -9 else ""
    return StageFailed(f"rank {first} of `{target}` failed: {why}\n{_tail(folder, first)}".rstrip(), help=hint)


def _first(exits: Mapping[str, int], notes: Mapping[str, Any]) -> str | None:
    """The rank that failed first: one killed by a signal, since the others then fail for want of it, or the earliest note.

    torchrun itself ends the others by SIGTERM.
    """
    killed = sorted(rank for rank, code in exits.items() if code < 0 and code != -signal.SIGTERM and rank not in notes)
    if killed:
        return killed[0]
    return min(notes, key=lambda rank: notes[rank]["time"], default=None) or min(exits, default=None)


def _tail(folder: Path, rank: str) -> str:
    lines: list[str] = []
    for stream in ("stdout", "stderr"):
        for log in sorted(folder.glob(f"logs/*/attempt_*/{rank}/{stream}.log")):
            lines += log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
    return "\n".join(f"  | {line}" for line in lines)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
