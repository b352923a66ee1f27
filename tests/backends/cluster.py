"""A real Slurm on this machine: two nodes, each with a controller's daemon of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from tests.command import run

FOLDER = Path(__file__).parent / "slurm"


class NoSlurm(Exception):
    """Slurm's packages are not here and cannot be installed; whatever else goes wrong is a failure."""


class SlurmCluster:
    """A cluster in a folder of its own. Times are short: a dead node is noticed within half a minute."""

    def __init__(self, folder: Path, cpus: int = 16) -> None:
        self.folder, self.cpus = folder, cpus
        self.environment: dict[str, str] = {}

    def up(self) -> None:
        """Start what does not run."""
        said = subprocess.run(
            ["bash", str(FOLDER / "slurm-up.sh"), "--cpus", str(self.cpus), str(self.folder)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if "apt-get" in said.stderr and said.returncode:
            raise NoSlurm(said.stderr.strip())
        assert said.returncode == 0, said.stderr
        self.environment = {"SLURM_CONF": said.stdout.strip().partition("SLURM_CONF=")[2]}

    def down(self) -> None:
        """Stop all of it."""
        subprocess.run(["bash", str(FOLDER / "slurm-down.sh"), str(self.folder)], capture_output=True, timeout=120, check=False)

    def call(self, *command: str) -> str:
        """What a command of Slurm prints."""
        said = run(command, cwd=self.folder, timeout=60, **self.environment)
        assert said.returncode == 0, said.stderr
        return said.stdout

    def pdsl(self, *arguments: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
        """`pdsl`, on a login node."""
        return run([sys.executable, "-m", "pipeline_dsl", *arguments], cwd=cwd, timeout=120, **self.environment)

    def kill_node(self, node: str) -> None:
        """A node loses its power: its daemon and everything that it started."""
        doomed = [int((self.folder / "run" / f"slurmd.{node}.pid").read_text()), *_of_node(node, self.folder)]
        for blow in (signal.SIGSTOP, signal.SIGKILL):  # all at once: none lives to tell that another has died
            for pid in doomed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, blow)


def _of_node(node: str, folder: Path) -> Iterator[int]:
    """Every process that a node's steps started, by the variable that Slurm gives each."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        ours = any(word == f"SLURM_CONF={folder}/etc/slurm.conf".encode() for word in environment)
        if ours and (f"SLURMD_NODENAME={node}".encode() in environment or (b"slurmstepd" in command and _steps_of(entry, node, folder))):
            yield int(entry.name)


def _steps_of(entry: Path, node: str, folder: Path) -> bool:
    spool = str(folder / "spool" / node)
    with contextlib.suppress(OSError):
        return any(str(link.readlink()).startswith(spool) for link in (entry / "fd").iterdir()) or str((entry / "cwd").readlink()) == spool
    return False


@contextlib.contextmanager
def slurm(cpus: int = 16) -> Generator[SlurmCluster]:
    """A cluster for as long as the block lasts, each node with so many CPUs; its folder's name is short, since it holds sockets."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    cluster = SlurmCluster(folder, cpus)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()
        shutil.rmtree(folder, ignore_errors=True)


def until(true: Callable[[], object], *, within: float, what: str) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, f"not within {within:g} s: {what}"
        time.sleep(0.3)
