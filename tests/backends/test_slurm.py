"""Plans on a real Slurm: run, resumed, stopped and refused as they should be."""

import json
import os
import re
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.backends.cluster import NoSlurm, SlurmCluster, slurm, until
from tests.command import pdsl
from tests.gates.test_verdict import shipping
from tests.runner.bench import Bench, timeless
from tests.runner.test_tiny_killed import TINY

pytestmark = [
    pytest.mark.long,
    pytest.mark.slow,
    pytest.mark.stages,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm of one's own needs root: slurmd starts jobs as their owners"),
]

SETTINGS = """
import sys
OURS = dict(command=(sys.executable, "-m", "pipeline_dsl"), variables=("PYTHONPATH", "PDSL_TEST_NOTES"))
"""

DIAMOND = (
    SETTINGS
    + """
root = Step(label='root', seconds=0.2)
left = Step(label='left', reads=(root,), seconds={side})
right = Step(label='right', reads=(root,), seconds={side})
join = Step(label='join', reads=(left, right), seconds=0.2)
pipeline = Pipeline(name='diamond', targets=[join], launchers=[Slurm(**OURS)])
"""
)

SHORT = TINY.replace("save_every=250", "save_every=60").replace("tokens=64 * 8 * 450", "tokens=64 * 8 * 300")
TWO_NODES = SETTINGS + SHORT.replace("processes=2,", "processes=2, zero_stage=2, on=Hardware(device=CPU_CORE, count=1, nodes=2),").replace(
    "targets=[base]", "targets=[base], launchers=[Slurm(job=SlurmJob({job}), warning=30, restarts=1, **OURS)]"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    try:
        with slurm() as started:
            yield started
    except NoSlurm as reason:
        pytest.skip(f"Slurm cannot be installed here: {reason}")


class Launched:
    """A pipeline in a test's folder, and its jobs."""

    def __init__(self, folder: Path, cluster: SlurmCluster, text: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.bench, self.cluster = Bench(folder), cluster
        self.bench.write(text, "ours")
        os.environ["PDSL_TEST_NOTES"] = str(folder / "notes")

    def submit(self) -> str:
        said = self.cluster.pdsl("submit", "ours.py", "--backend", "slurm", cwd=self.bench.folder)
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    def jobs(self) -> dict[str, str]:
        """The number of each stage's job."""
        file = next(self.bench.folder.glob(".pdsl/runs/*/launch/slurm/jobs.tsv"))
        return {row.split("\t")[0]: row.split("\t")[1] for row in file.read_text().splitlines()}

    def state(self, stage: str) -> str:
        """What Slurm calls the state of a stage's job."""
        shown = self.cluster.call("scontrol", "-o", "show", "job", self.jobs()[stage])
        return shown.partition("JobState=")[2].partition(" ")[0]

    def finish(self, within: float = 400) -> None:
        ended = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED"}
        until(lambda: self.state("gate") in ended, within=within, what=self.log())

    def log(self) -> str:
        return "\n".join(file.read_text() for file in self.bench.folder.glob(".pdsl/runs/*/launch/slurm/logs/*.log"))

    def status(self) -> str:
        return self.cluster.pdsl("status", cwd=self.bench.folder).stdout


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The training by `pdsl run`, two processes on one node."""
    folder = tmp_path_factory.mktemp("calm")
    bench = Bench(folder)
    bench.write(TWO_NODES.format(job=""), "ours")
    ended = pdsl("run", "ours.py", "--jobs", "2", cwd=folder, timeout=500)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return bench


@pytest.fixture(scope="module")
def calm(undisturbed: Bench) -> dict[str, Any]:
    """The manifest of that."""
    return timeless(undisturbed.manifest())


def losses(bench: Bench) -> list[tuple[int, float]]:
    """What the training noted: (step, validation loss)."""
    tree = bench.store.tree(bench.manifest()["stages"]["06_pretrain"]["output_hash"])
    return [(step, loss) for step, loss in tree.meta["loss_curve"]]


def test_branches_run_at_the_same_time_and_a_second_submit_runs_nothing(cluster: SlurmCluster, tmp_path: Path) -> None:
    launched = Launched(tmp_path / "a", cluster, DIAMOND.format(side=6))
    launched.submit()
    until(lambda: launched.state("02_step") == launched.state("03_step") == "RUNNING", within=60, what="both branches run")
    again = cluster.pdsl("submit", "ours.py", "--backend", "slurm", cwd=launched.bench.folder)
    assert (again.returncode, "submitted already" in again.stdout) == (1, True)
    launched.finish()

    assert launched.bench.manifest()["status"] == "complete", launched.log()
    assert "nothing to submit" in launched.submit()


def test_a_failing_stage_cancels_what_depends_on_it_and_nothing_else(cluster: SlurmCluster, tmp_path: Path) -> None:
    text = DIAMOND.format(side=0.2).replace(
        "left = Step(label='left', reads=(root,), seconds=0.2)", "left = Careless(how='raises', data=root)"
    )
    launched = Launched(tmp_path / "a", cluster, text)
    launched.submit()
    launched.finish()

    assert [launched.state(stage) for stage in ("01_step", "02_careless", "03_step", "04_step")] == [
        "COMPLETED",
        "FAILED",
        "COMPLETED",
        "CANCELLED",
    ]
    assert "a stage before it failed (DependencyNeverSatisfied)" in launched.status()
    assert "FAILED 5:0" in launched.status()


def test_a_run_that_ships_is_exported_and_a_held_one_is_not(cluster: SlurmCluster, tmp_path: Path) -> None:
    def launched(name: str, text: str) -> Launched:
        found = Launched(tmp_path / name, cluster, SETTINGS + text.replace("gates=[", "launchers=[Slurm(**OURS)], gates=["))
        found.submit()
        found.finish()
        return found

    ships, held = launched("ships", shipping()), launched("held", shipping(violations=0.2))

    assert (ships.state("gate"), held.state("gate")) == ("COMPLETED", "FAILED")
    assert "SHIP" in ships.log()
    assert "HOLD: safety_violation_rate failed" in held.log()
    assert "FAILED 3:0" in held.status()
    assert cluster.pdsl("export", "--out", "model", cwd=ships.bench.folder).returncode == 0
    assert (ships.bench.folder / "model" / "a.jsonl").exists()
    refused = cluster.pdsl("export", "--out", "model", cwd=held.bench.folder)
    assert (refused.returncode, (held.bench.folder / "model").exists()) == (3, False)


def test_cancel_leaves_nothing_running(cluster: SlurmCluster, tmp_path: Path) -> None:
    launched = Launched(tmp_path / "a", cluster, DIAMOND.format(side=60))
    launched.submit()
    until(lambda: launched.state("02_step") == "RUNNING", within=60, what="a branch runs")
    said = cluster.pdsl("cancel", cwd=launched.bench.folder)

    assert "02_step" in said.stdout
    assert cluster.call("squeue", "-h", "-o", "%i") == ""


def test_a_training_over_two_nodes_ends_in_the_loss_and_the_bits_of_one_node(
    cluster: SlurmCluster, tmp_path: Path, calm: dict[str, Any], undisturbed: Bench
) -> None:
    launched = Launched(tmp_path / "a", cluster, TWO_NODES.format(job=""))
    launched.submit()
    launched.finish()

    (said,) = re.findall(r"^\[rank0\]: deepspeed (.*)$", launched.log(), re.MULTILINE)
    (rendered,) = launched.bench.folder.glob(".pdsl/runs/*/launch/slurm/06_pretrain.deepspeed.json")
    assert json.loads(said) == json.loads(rendered.read_text())
    assert json.loads(said)["zero_optimization"]["stage"] == 2
    assert losses(launched.bench) == losses(undisturbed)
    assert timeless(launched.bench.manifest())["stages"]["06_pretrain"]["output_hash"] == calm["stages"]["06_pretrain"]["output_hash"]


def sealed(launched: Launched) -> Any:
    """The complete checkpoints of the training that runs."""
    return list(launched.bench.folder.glob(".pdsl/work/*/scratch/run/checkpoint-*/complete.json"))


def test_a_training_that_loses_half_its_machine_goes_on_with_half_the_processes(
    cluster: SlurmCluster, tmp_path: Path, undisturbed: Bench
) -> None:
    launched = Launched(tmp_path / "a", cluster, TWO_NODES.format(job=""))
    launched.submit()
    until(lambda: sealed(launched), within=300, what="a checkpoint")
    assert cluster.pdsl("cancel", cwd=launched.bench.folder).returncode == 0
    smaller = TWO_NODES.replace("zero_stage=2, on=Hardware(device=CPU_CORE, count=1, nodes=2)", "zero_stage=2, ranks=1")
    launched.bench.write(smaller.format(job=""), "ours")
    launched.submit()
    launched.finish()

    assert "is of 2 processes; it is divided anew between 1" in launched.log()
    found, wanted = losses(launched.bench), losses(undisturbed)
    assert [step for step, _ in found] == [step for step, _ in wanted]
    assert [loss for _, loss in found] == pytest.approx([loss for _, loss in wanted], rel=1e-3)


def test_a_preempted_training_goes_on_from_its_checkpoint(cluster: SlurmCluster, tmp_path: Path, calm: dict[str, Any]) -> None:
    launched = Launched(tmp_path / "a", cluster, TWO_NODES.format(job=""))
    launched.submit()
    until(lambda: sealed(launched), within=300, what="a checkpoint")
    cluster.call("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--wrap=sleep 5", "--output=/dev/null")
    until(
        lambda: "Restarts=1" in cluster.call("scontrol", "-o", "show", "job", launched.jobs()["06_pretrain"]), within=200, what="requeued"
    )
    launched.finish()

    assert launched.bench.manifest()["status"] == "complete", launched.log()
    assert timeless(launched.bench.manifest())["stages"]["06_pretrain"]["output_hash"] == calm["stages"]["06_pretrain"]["output_hash"]


@contextmanager
def paused(launched: Launched) -> Generator[None]:
    """The ranks of a training, stopped where they are, so that it cannot end before its time is up."""
    ours = [
        int(entry.parent.name)
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if b"pipeline_dsl.ml.rank" in (command := read(entry)) and bytes(launched.bench.folder) in command
    ]
    for pid in ours:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in ours:
            os.kill(pid, signal.SIGCONT)


def read(file: Path) -> bytes:
    """The bytes of a file of /proc; none if the process has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def test_a_training_that_reaches_its_time_limit_goes_on_from_its_checkpoint(
    cluster: SlurmCluster, tmp_path: Path, calm: dict[str, Any]
) -> None:
    text = TWO_NODES.format(job="time='5'").replace("warning=30", "warning=270")  # early, and with time to write a checkpoint
    launched = Launched(tmp_path / "a", cluster, text)
    launched.submit()

    def warned() -> bool:
        return any(launched.bench.folder.glob(".pdsl/runs/*/launch/slurm/stop-*")) or "stopped before" in launched.log()

    until(lambda: sealed(launched) or warned(), within=300, what="a checkpoint, or Slurm's warning")
    with paused(launched):
        until(warned, within=120, what="Slurm warns of the time limit")
    until(lambda: "stopped before the time limit" in launched.log(), within=270, what="it stops for a checkpoint")
    cluster.call("scontrol", "update", f"JobId={launched.jobs()['06_pretrain']}", "TimeLimit=30")
    launched.finish()

    assert "stopped as asked at step" in launched.log()
    assert launched.bench.manifest()["status"] == "complete", launched.log()
    assert timeless(launched.bench.manifest())["stages"]["06_pretrain"]["output_hash"] == calm["stages"]["06_pretrain"]["output_hash"]


def test_a_training_that_loses_a_node_goes_on_from_its_checkpoint(cluster: SlurmCluster, tmp_path: Path, calm: dict[str, Any]) -> None:
    launched = Launched(tmp_path / "a", cluster, TWO_NODES.format(job=""))
    launched.submit()
    until(lambda: sealed(launched), within=300, what="a checkpoint")
    cluster.kill_node("node2")
    until(
        lambda: "Restarts=1" in cluster.call("scontrol", "-o", "show", "job", launched.jobs()["06_pretrain"]), within=200, what="requeued"
    )
    cluster.up()
    launched.finish()

    assert launched.bench.manifest()["status"] == "complete", launched.log()
    assert timeless(launched.bench.manifest())["stages"]["06_pretrain"]["output_hash"] == calm["stages"]["06_pretrain"]["output_hash"]
