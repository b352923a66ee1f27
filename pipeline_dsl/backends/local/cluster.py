"""This machine as a cluster: `run.sh` in the background, in a process group of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline_dsl.base.fault import ClusterFailed
from pipeline_dsl.render.cluster import Cluster, Job

_PATIENCE = 30.0
_SCRIPT = "run.sh"


class Background(Cluster):
    """One process group runs the whole plan; how far it is, the store knows."""

    def submit(self, folder: Path, *, done: Sequence[str], environment: Mapping[str, str], dry_run: bool) -> str:
        command = ["bash", str(folder / _SCRIPT)]
        if dry_run:
            return " ".join(command) + "\n"
        (folder / "logs").mkdir(exist_ok=True)
        with (folder / "logs" / "run.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment), start_new_session=True
            )
        (folder / "pid").write_text(f"{process.pid} {_started(process.pid)}", encoding="utf-8")
        return f"{_SCRIPT}\tprocess group {process.pid}\n"

    def jobs(self, folder: Path) -> list[Job]:
        try:
            pid, started = (folder / "pid").read_text(encoding="utf-8").split()
        except FileNotFoundError:
            return []
        alive = _started(int(pid)) == started  # the number may since have gone to another process
        return [Job(stage=_SCRIPT, number=pid, state="running" if alive else "done")]

    def log(self, folder: Path, stage: str) -> Path | None:
        file = folder / "logs" / "run.log"
        return file if file.exists() else None

    def cancel(self, folder: Path) -> list[Job]:
        running = [job for job in self.jobs(folder) if job.state == "running"]
        for job in running:
            _end(int(job.number))
        return running


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty if there is none, or it has ended and nobody has asked how."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _end(pid: int) -> None:
    end = time.monotonic() + _PATIENCE
    os.killpg(pid, signal.SIGTERM)
    while time.monotonic() < end:
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return
        if not _started(pid):
            return
        time.sleep(0.1)
    os.killpg(pid, signal.SIGKILL)
    raise ClusterFailed(f"process group {pid} had to be killed", help="the store is right; `pdsl submit` goes on from what is done")
