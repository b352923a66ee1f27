"""The README's session on a real Slurm: the whole tiny pipeline, from `pdsl submit` to a server that answers.

Where a reader would wait for a job, the test does, and nothing else is added to what the README shows.
"""

import os
import re
import shlex
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.backends.cluster import SlurmCluster, slurm, until
from tests.command import ROOT, demo, run
from tests.readme import Block, blocks

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY"}
KEY = "a-key-of-this-test-alone"

WHOLE = 2400
"""Seconds that the pipeline may take: five minutes on two cores that do nothing else."""


def session() -> Block:
    """The README's block of commands for Slurm."""
    (found,) = [block for block in blocks(ROOT / "README.md") if any("--backend slurm --dry-run" in command for command in block.commands)]
    return found


class Session:
    """A reader's terminal on a login node: the pipelines, `pdsl` on the path, and a cluster."""

    def __init__(self, folder: Path, cluster: SlurmCluster, port: int) -> None:
        self.folder, self.cluster, self.port = folder, cluster, port
        self.said: list[tuple[str, str]] = []
        pipeline = demo(folder)
        serving = f"""'pdsl export "$PDSL_MANIFEST" --out exported', 'exec pdsl serve "$PDSL_MANIFEST" --port {port}'"""
        text = pipeline.read_text()
        assert "Slurm()" in text
        pipeline.write_text(text.replace("Slurm()", f"Slurm(variables=('PDSL_API_KEY',), release=({serving}))"))
        (folder / "bin").mkdir()
        program = folder / "bin" / "pdsl"
        program.write_text(f'#!/bin/sh\nexec env PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -m pipeline_dsl "$@"\n')
        program.chmod(0o755)

    def type(self, command: str) -> str:
        """Run a command as the README has it; it must succeed."""
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        said = run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            timeout=300,
            PATH=path,
            PDSL_API_KEY=KEY,
            **self.cluster.environment,
        )
        assert said.returncode == 0, f"$ {command}\n{said.stdout}{said.stderr}"
        self.said.append((command, said.stdout))
        return said.stdout

    def answers(self, command: str) -> list[str]:
        """What was printed, each time that a command beginning so was typed."""
        return [said for typed, said in self.said if typed.startswith(command)]

    def jobs(self) -> dict[str, dict[str, str]]:
        """What Slurm says of each stage's job."""
        file = next(self.folder.glob(".pdsl/runs/*/launch/slurm/jobs.tsv"))
        rows = [row.split("\t") for row in file.read_text().splitlines()]
        shown = {row[0]: self.cluster.call("scontrol", "-o", "show", "job", row[1]) for row in rows}
        return {stage: dict(re.findall(r"(\w+)=(\S*)", text)) for stage, text in shown.items()}

    def wait_for(self, stage: str, states: set[str], within: float = WHOLE) -> None:
        """Until a stage's job is in one of some states, or something before it failed."""
        last: dict[str, dict[str, str]] = {}

        def there() -> bool:
            last.update(self.jobs())
            broken = [f"{name} {job['JobState']}" for name, job in last.items() if job["JobState"] in ENDED - {"COMPLETED"}]
            assert not broken, "\n".join([*broken, self.type("pdsl status"), *(self.log(name.split()[0]) for name in broken)])
            return last[stage]["JobState"] in states

        until(there, within=within, what=f"{stage} is {' or '.join(sorted(states))}")

    def log(self, stage: str) -> str:
        return "\n".join(file.read_text()[-3000:] for file in self.folder.glob(f".pdsl/runs/*/launch/slurm/logs/{stage}-*.log"))


@contextmanager
def typed(folder: Path) -> Generator[Session]:
    """The session, typed to its end in a folder.

    Raises: NoSlurm.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with slurm(cpus=2) as cluster:
        terminal = Session(folder, cluster, port)
        before = {
            "pdsl logs": lambda: terminal.wait_for(re.findall(r"pdsl logs (\S+)", " ".join(commands))[0], {"RUNNING", "COMPLETED"}),
            "pdsl gate": lambda: terminal.wait_for("gate", {"COMPLETED"}),
        }
        commands = session().commands
        for command in commands:
            for start, wait in before.items():
                if command.startswith(start):
                    wait()
            terminal.type(command)
        yield terminal
        terminal.type("pdsl cancel")
