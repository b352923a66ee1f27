"""The README's session on a real Slurm: the whole tiny pipeline, from `pdsl submit` to a server that answers.

Where a reader would wait for a job, the test does, and nothing else is added to what the README shows.
"""

import json
import os
import re
import shlex
import socket
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.backends.cluster import NoSlurm, SlurmCluster, slurm, until
from tests.command import ROOT, demo, run
from tests.readme import Block, blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.stages,
    pytest.mark.network,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm of one's own needs root: slurmd starts jobs as their owners"),
]

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


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The session, typed to its end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        with slurm(cpus=2) as cluster:
            terminal = Session(tmp_path_factory.mktemp("session"), cluster, port)
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
    except NoSlurm as reason:
        pytest.skip(f"Slurm cannot be installed here: {reason}")


def test_the_tiny_pipeline_ships_on_slurm(ended: Session) -> None:
    assert "SHIP" in ended.answers("pdsl gate")[-1]
    assert {stage: job["JobState"] for stage, job in ended.jobs().items() if stage != "release"} == {
        stage: "COMPLETED" for stage in ended.jobs() if stage != "release"
    }
    assert (ended.folder / "model" / "config.json").exists()


def test_the_dry_run_shows_a_request_for_every_stage(ended: Session) -> None:
    dry = ended.answers("pdsl submit")[0].splitlines()
    (plan,) = ended.folder.glob(".pdsl/runs/*/launch/slurm/plan.json")

    assert len(dry) == len(json.loads(plan.read_text())["plan"]["stages"]) + 2  # the gate, and what comes after it
    assert all(line.startswith("sbatch --parsable") for line in dry)


def test_the_reward_model_and_dpo_ran_at_the_same_time(ended: Session) -> None:
    jobs = ended.jobs()

    def times(kind: str) -> tuple[datetime, datetime]:
        (job,) = [job for stage, job in jobs.items() if stage.endswith(f"_{kind}")]
        return datetime.fromisoformat(job["StartTime"]), datetime.fromisoformat(job["EndTime"])

    (reward, judged), (dpo, tuned) = times("train_reward"), times("dpo")
    assert max(reward, dpo) < min(judged, tuned)


def test_what_the_gate_let_out_is_exported_and_served_by_a_job(ended: Session) -> None:
    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ended.port}/health", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    until(answered, within=120, what=ended.log("release"))
    assert ended.jobs()["release"]["JobState"] == "RUNNING"
    assert (ended.folder / "exported" / "config.json").read_bytes() == (ended.folder / "model" / "config.json").read_bytes()
