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
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml.nodes import Nodes, nodes
from pipeline_dsl.ml.rank import write_whole

FOLDER, JOB = "launch", "job.json"
"""In a stage's scratch folder: where a launch is described, and what it leaves."""

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
    """Call `target`, a `module:function`, with a `Rank` in each of `processes` processes, and wait.

    Returns the versions of the libraries that rank 0 asked for.

    Where a scheduler gave several machines (`nodes`), the processes are divided evenly between them.

    `config` is JSON data and reaches every rank. `threads` are cores for all processes together. The ranks' output goes to
    ours, line by line behind `[rank0]:`, and whole into `folder/launch`, which is emptied first. Rank 0 keeps
    `progress_file` up to date: an object with `step`, `total`, `figures` and the Unix `time`.
    Raises: StageFailed, with the end of the log of the rank that failed first. Whatever else ends the wait, such as
    KeyboardInterrupt, ends the group.
    """
    place = folder / FOLDER
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    group = nodes() if processes > 1 else Nodes()
    if processes % group.count:
        raise StageFailed(f"{processes} processes do not divide between {group.count} nodes", help=f"take a multiple of {group.count}")
    share = max(1, threads * group.count // processes)
    job = {
        "target": target,
        "config": dict(config),
        "processes": processes,
        "progress": str(progress_file) if progress_file else None,
        "threads": share,
        "nodes": unstructure(group),
        "serial": time.time_ns(),
    }
    write_whole(place / JOB, job)
    status = start_agent(place, threads=share, node=0)
    _await_others(place, group.count)
    if status:
        raise _failure(place, target, status)
    return _read(place / "libraries.json")


def start_agent(place: Path, *, threads: int, node: int) -> int:
    """Run the ranks of one machine for the job in `place`, wait, and return torchrun's status; nothing of them outlives this call."""
    command = [sys.executable, "-m", "pipeline_dsl.ml.agent", str(place / JOB), str(node), str(os.getpid())]
    agent = subprocess.Popen(command, env=environment(os.environ, folder=place.parent, threads=threads), stdin=subprocess.DEVNULL)
    try:
        return agent.wait()
    finally:
        _end(agent)
        if node:
            write_whole(place / f"left-{node}.json", {})


def _await_others(place: Path, count: int) -> None:
    """Wait until the other machines' processes have left the job's folder, so that it can be emptied; a lost machine never says so."""
    end = time.monotonic() + 2 * GRACE
    while time.monotonic() < end and not all((place / f"left-{node}.json").exists() for node in range(1, count)):
        time.sleep(0.05)


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
    exits: dict[str, int] = {}
    for file in folder.glob("exits-*.json"):
        exits |= cast("dict[str, int]", _read(file))
    notes = {path.stem.partition("-")[2]: _read(path) for path in folder.glob("failed-*.json")}
    first = _first(exits, notes)
    if first is None:
        return StageFailed(f"the launcher of `{target}` ended with status {status} before a rank failed", help="its log is above")
    code = exits.get(first, 1)
    why = notes[first]["message"] if first in notes else f"killed by signal {-code}" if code < 0 else f"exit status {code}"
    hint = "out of memory? signal 9 is also what the kernel sends then" if code == -9 else ""
    return StageFailed(f"rank {first} of `{target}` failed: {why}\n{_tail(folder, int(first))}".rstrip(), help=hint)


def _first(exits: Mapping[str, int], notes: Mapping[str, Any]) -> str | None:
    """The rank that failed first: one killed by a signal, since the others then fail for want of it, or the earliest note.

    torchrun itself ends the others by SIGTERM.
    """
    killed = sorted(rank for rank, code in exits.items() if code < 0 and code != -signal.SIGTERM and rank not in notes)
    if killed:
        return killed[0]
    return min(notes, key=lambda rank: notes[rank]["time"], default=None) or min(exits, default=None)


def _tail(folder: Path, rank: int) -> str:
    job = _read(folder / JOB)
    node, local = divmod(rank, job["processes"] // job["nodes"]["count"])
    lines: list[str] = []
    for stream in ("stdout", "stderr"):
        for log in sorted(folder.glob(f"logs/{node}/*/attempt_*/{local}/{stream}.log")):
            lines += log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
    return "\n".join(f"  | {line}" for line in lines)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
