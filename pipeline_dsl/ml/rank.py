"""One process of a launched group, and how it comes to run its function.

`python -m pipeline_dsl.ml.rank JOB` is what torchrun starts, once a rank; JOB is the JSON file that `launch` wrote.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, cast

import attrs

CURVE = "curve.jsonl"
"""Beside a file of progress, made by whoever follows it: everything that it ever said, a line each."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@attrs.frozen(kw_only=True)
class Rank:
    """What a launched function receives: which of `world` equal processes it is, and what to do.

    `rank` counts over all machines, `local` on this one; torch.distributed reads the same from the environment.
    """

    rank: int
    world: int
    local: int
    config: Mapping[str, Any]
    progress_file: Path | None = None
    libraries: dict[str, str] = attrs.field(factory=dict[str, str])
    """Versions of what `library` imported."""

    def library(self, name: str) -> Any:
        """Import a library and note its version, as `Workspace.library` does in a stage's own process.

        Raises: ModuleNotFoundError.
        """
        module = import_module(name)
        top = name.partition(".")[0]
        self.libraries[top] = metadata.version(top)
        return module

    def progress(self, step: int, total: int, **figures: float) -> None:
        """Say how far the group is. Only rank 0 does; a reader never sees half a file."""
        if self.rank or self.progress_file is None:
            return
        write_progress(self.progress_file, step, total, figures)


def write_progress(path: Path, step: int, total: int, figures: Mapping[str, float]) -> None:
    """Say in a file how far something is, and where somebody follows its curves also in the file beside it."""
    said = {"step": step, "total": total, "figures": figures, "time": time.time()}
    write_whole(path, said)
    try:
        curve = os.open(path.with_name(CURVE), os.O_WRONLY | os.O_APPEND)  # only who follows makes it
    except FileNotFoundError:
        return
    try:
        os.write(curve, json.dumps(said).encode() + b"\n")
    finally:
        os.close(curve)


def write_whole(path: Path, data: object) -> None:
    """Replace a JSON file in one move, so that whoever reads it sees the old one or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(data), encoding="utf-8")
    draft.replace(path)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when `parent`, which started it, is gone.

    A `kill -9` of a run would otherwise leave its ranks training, and writing where the next attempt writes.
    """
    if sys.platform == "linux":
        import ctypes  # the runner imports this module, and never needs it

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def resolve(target: str) -> Callable[[Rank], None]:
    """The function that `module:function` names.

    Raises: ImportError, AttributeError.
    """
    module, _, name = target.partition(":")
    return cast("Callable[[Rank], None]", getattr(import_module(module), name))


def main(job_file: Path) -> None:
    """Run the job as the rank that the environment says, and leave a note of when it failed if it does."""
    die_with_parent(os.getppid())
    job = json.loads(job_file.read_text(encoding="utf-8"))
    number = int(os.environ["RANK"])
    try:
        rank = Rank(
            rank=number,
            world=int(os.environ["WORLD_SIZE"]),
            local=int(os.environ["LOCAL_RANK"]),
            config=job["config"],
            progress_file=Path(job["progress"]) if job["progress"] else None,
        )
        if rank.world != job["processes"]:
            raise RuntimeError(f"{job['processes']} processes were asked for, this group has {rank.world}")
        resolve(job["target"])(rank)
        if number == 0:
            write_whole(job_file.with_name("libraries.json"), rank.libraries)
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        write_whole(job_file.with_name(f"failed-{number}.json"), {"time": time.time_ns(), "message": message})
        traceback.print_exc()
        sys.stderr.flush()
        # Skip the interpreter's exit: a process group with a dead member can wait there for ever.
        os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
