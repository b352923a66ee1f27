"""What is submitted to a real Slurm: whole or not at all, sweeps as arrays, and every text as it was declared."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings, strategies as st

from tests.backends.cluster import NoSlurm, SlurmCluster, slurm, until
from tests.backends.test_slurm import DIAMOND, SETTINGS, Launched
from tests.command import ROOT
from tests.gates.test_verdict import shipping

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm of one's own needs root: slurmd starts jobs as their owners"),
]

SWEEP = (
    SETTINGS
    + """
root = Step(label='root')
first = [Step(label=label, reads=(root,), seconds=8 if label == 'd' else 0.5) for label in {labels}]
second = [Step(label=f'after {{number}}', reads=(one,)) for number, one in enumerate(first)]
join = Step(label='join', reads=tuple(second))
pipeline = Pipeline(name='sweep', targets=[join], launchers=[Slurm(arrays=True, at_once=2, **OURS)])
"""
)
FIRST, SECOND = ["02_step", "03_step", "04_step", "05_step"], ["06_step", "07_step", "08_step", "09_step"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    try:
        with slurm() as started:
            yield started
    except NoSlurm as reason:
        pytest.skip(f"Slurm cannot be installed here: {reason}")


def queued(cluster: SlurmCluster) -> list[str]:
    """The names of all jobs that have not ended."""
    return cluster.call("squeue", "-h", "-o", "%j").split()


# Arrays.


def test_seeds_are_arrays_each_of_whose_elements_waits_for_its_own(cluster: SlurmCluster, tmp_path: Path) -> None:
    launched = Launched(tmp_path, cluster, SWEEP.format(labels="'abcd'"))
    launched.submit()
    numbers = launched.jobs()
    assert len({numbers[stage].partition("_")[0] for stage in FIRST}) == 1
    assert len({numbers[stage].partition("_")[0] for stage in SECOND}) == 1
    assert "_" not in numbers["01_step"] + numbers["10_step"]
    launched.finish()
    times = launched.bench.times()

    assert {launched.state(stage) for stage in numbers} == {"COMPLETED"}
    running = [label for _, label in sorted((when, name) for name, when in times.items() if name.split()[1] in "abcd")]
    assert max(sum(1 if word.startswith("start") else -1 for word in running[: end + 1]) for end in range(len(running))) == 2  # at_once
    assert times["start after 0"] < times["end d"]  # nobody waits for the whole array
    assert launched.bench.manifest()["status"] == "complete"


def test_an_element_that_fails_stops_its_own_branch_and_its_log_is_found_by_its_name(cluster: SlurmCluster, tmp_path: Path) -> None:
    launched = Launched(tmp_path, cluster, SWEEP.format(labels="['a', 'no/where', 'c', 'd']"))
    launched.submit()
    launched.finish()

    assert [launched.state(stage) for stage in FIRST] == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    assert [launched.state(stage) for stage in SECOND] == ["COMPLETED", "CANCELLED", "COMPLETED", "COMPLETED"]
    lines = {line.split()[0]: line for line in launched.status().splitlines()[1:]}
    assert "FAILED 5:0" in lines["03_step"]
    assert "a stage before it failed" in lines["07_step"]
    assert "a stage before it failed" in lines["10_step"]
    assert "no/where" in cluster.pdsl("logs", "03_step", cwd=tmp_path).stdout
    log = next(tmp_path.glob(".pdsl/runs/*/launch/slurm/logs/03_step-*.log"))
    assert "FileNotFoundError" in log.read_text()

    (tmp_path / "ours.py").write_text((tmp_path / "ours.py").read_text().replace("no/where", "b"))
    again = cluster.pdsl("submit", "ours.py", "--backend", "slurm", "--dry-run", cwd=tmp_path).stdout
    assert "--array" not in again  # one is left of each
    assert again.count("sbatch --parsable") == 4


def test_cancel_ends_every_element_of_an_array(cluster: SlurmCluster, tmp_path: Path) -> None:
    launched = Launched(tmp_path, cluster, SWEEP.format(labels="'abcd'").replace("else 0.5", "else 60"))
    launched.submit()
    until(lambda: launched.state("02_step") == "RUNNING", within=60, what="an element runs")
    said = cluster.pdsl("cancel", cwd=tmp_path)

    assert all(stage in said.stdout for stage in [*FIRST, *SECOND])
    assert queued(cluster) == []


# All or nothing.


def left(folder: Path) -> list[str]:
    """What a submission left that a later command would read."""
    return [file.name for file in folder.glob(".pdsl/runs/*/launch/slurm/*") if file.name.startswith(("jobs", "submitting"))]


def test_a_submission_that_slurm_refuses_half_way_leaves_nothing_and_says_why(cluster: SlurmCluster, tmp_path: Path) -> None:
    text = DIAMOND.format(side=0.2).replace("**OURS", "stages={right: SlurmJob(partition='nowhere')}, **OURS")
    launched = Launched(tmp_path, cluster, text)
    said = cluster.pdsl("submit", "ours.py", "--backend", "slurm", cwd=tmp_path)

    assert said.returncode == 5, said.stdout + said.stderr
    assert "03_step was refused" in said.stderr
    assert "nvalid partition" in said.stderr
    assert (queued(cluster), left(tmp_path)) == ([], [])
    assert launched.bench.notes() == []


def slowly(folder: Path, seconds: float) -> str:
    """A path on which `sbatch` takes its time once it has submitted."""
    (folder / "slow").mkdir()
    program = folder / "slow" / "sbatch"
    program.write_text(f'#!/bin/sh\n/usr/bin/sbatch "$@"\ncode=$?\nsleep {seconds}\nexit $code\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def half_way(cluster: SlurmCluster, folder: Path, seconds: float = 0.7) -> subprocess.Popen[str]:
    """A submission in a terminal of its own, of which some jobs are in the queue."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline_dsl", "submit", "ours.py", "--backend", "slurm"],
        cwd=folder,
        env={**os.environ, **cluster.environment, "PYTHONPATH": str(ROOT), "PATH": slowly(folder, seconds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: len(queued(cluster)) >= 2, within=60, what="two jobs are queued")
    return process


@pytest.mark.parametrize("whom", ["all", "pdsl"])
def test_ctrl_c_in_the_middle_of_a_submission_leaves_nothing(cluster: SlurmCluster, tmp_path: Path, whom: str) -> None:
    Launched(tmp_path, cluster, DIAMOND.format(side=0.2))
    process = half_way(cluster, tmp_path)
    if whom == "all":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode not in (0, 70)
    assert (queued(cluster), left(tmp_path)) == ([], [])


def test_what_a_killed_submission_left_is_cancelled_by_the_next(cluster: SlurmCluster, tmp_path: Path) -> None:
    launched = Launched(tmp_path, cluster, DIAMOND.format(side=0.2))
    process = half_way(cluster, tmp_path)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert 2 <= len(queued(cluster)) < 5
    launched.submit()
    assert len(queued(cluster)) == 5
    launched.finish()

    assert launched.bench.manifest()["status"] == "complete"
    assert sorted(launched.bench.notes()) == sorted(
        f"{what} {label}" for what in ("start", "end") for label in ("root", "left", "right", "join")
    )


def test_of_two_submissions_at_the_same_time_one_is_refused(cluster: SlurmCluster, tmp_path: Path) -> None:
    launched = Launched(tmp_path, cluster, DIAMOND.format(side=0.2))
    process = half_way(cluster, tmp_path, seconds=2)
    second = cluster.pdsl("submit", "ours.py", "--backend", "slurm", cwd=tmp_path)
    _, complained = process.communicate(timeout=60)

    assert (second.returncode, "another one submits this plan" in second.stderr) == (5, True), second.stdout + second.stderr
    assert process.returncode == 0, complained
    launched.finish()
    assert launched.bench.manifest()["status"] == "complete"


# What comes after the gate.

RELEASING = SETTINGS + "AFTER = dict(release=('cp \"$PDSL_MANIFEST\" released.yaml',), **OURS)\n"


@pytest.mark.parametrize(("violations", "state"), [(0.01, "COMPLETED"), (0.2, "CANCELLED")])
def test_a_job_that_releases_starts_only_after_ship(cluster: SlurmCluster, tmp_path: Path, violations: float, state: str) -> None:
    text = shipping(violations=violations).replace("gates=[", "launchers=[Slurm(**AFTER)], gates=[")
    launched = Launched(tmp_path, cluster, RELEASING + text)
    launched.submit()
    launched.finish()
    until(lambda: launched.state("release") == state, within=60, what=launched.status())

    assert (tmp_path / "released.yaml").exists() is (state == "COMPLETED")


# Texts.

words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40) | st.sampled_from(
    [
        "",
        " ",
        "-n",
        "--",
        "$(id)",
        "`id`",
        "a'b",
        'a"b',
        "\\",
        "\n",
        "a\nb\n",
        "a\r\nb",
        "{{ x }}",
        "{% x %}",
        "$HOME",
        "${x",
        "!!",
        "*",
        "~",
        "é",
        "😀",
        "#x",
        "a,b=c",
        "%j",
    ]
)

FOUND = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: each try is a job."""

TELLING = """
import json, os, sys
if "run" in sys.argv:
    with open(os.path.join(os.environ["PDSL_JOBS"], "told.json"), "w") as file:
        json.dump({"argv": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd()}, file)
"""

ONE = """
import json, sys
texts = json.loads({texts!r})
pipeline = Pipeline(name='one', targets=[Step(label='a')], launchers=[Slurm(
    command=(sys.executable, {program!r}, *texts["command"]),
    settings=dict(texts["settings"]),
    variables=tuple(texts["variables"]),
)])
"""


def told(cluster: SlurmCluster, folder: Path, *, command: list[str], settings: list[str], variables: list[str]) -> dict[str, Any]:
    """What a job's process found, given words of a command and values of variables."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tell.py").write_text(TELLING)
    values = {f"CROSSING{number}": value for number, value in enumerate(variables)}
    given = {
        "command": command,
        "settings": {f"SET{number}": value for number, value in enumerate(settings)},
        "variables": list(values),
    }
    launched = Launched(folder, cluster, ONE.format(texts=json.dumps(given), program=str(folder / "tell.py")))
    before = cluster.environment
    cluster.environment = {**before, **values, "PDSL_AUTHOR": "ada@example.org"}
    try:
        said = cluster.pdsl("submit", "ours.py", "--backend", "slurm", cwd=folder)
    finally:
        cluster.environment = before
    assert said.returncode == 0, said.stdout + said.stderr
    launched.finish()
    (file,) = folder.glob(".pdsl/runs/*/launch/slurm/told.json")
    return json.loads(file.read_text())


@settings(max_examples=3, phases=FOUND, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    command=st.lists(words, min_size=20, max_size=40),
    values=st.lists(words, min_size=20, max_size=40),
    variables=st.lists(words, min_size=20, max_size=40),
)
def test_any_text_reaches_a_job_unchanged(
    cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory, command: list[str], values: list[str], variables: list[str]
) -> None:
    found = told(cluster, tmp_path_factory.mktemp("text"), command=command, settings=values, variables=variables)

    environment = found["environment"]
    assert environment["PDSL_AUTHOR"] == "ada@example.org"
    assert found["argv"][: len(command)] == command
    assert [environment[f"SET{number}"] for number in range(len(values))] == values
    assert [environment[f"CROSSING{number}"] for number in range(len(variables))] == variables


names = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\0/"), min_size=1, max_size=20)


@settings(max_examples=3, phases=FOUND, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@example("a b'c\"d")
@example("-n")
@example("%j-%%x")
@example("$(id) `id` ${x} {{ x }}")
@example("back\\slash")
@example("two\nlines")
@given(names.filter(lambda name: name.strip(".")))
def test_a_folder_of_any_name_is_where_a_job_runs_or_is_refused(
    cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("path") / name
    if "\\" in name or "\n" in name:
        with pytest.raises(AssertionError, match="Slurm cannot take a path"):
            told(cluster, folder, command=[], settings=[], variables=[])
        assert queued(cluster) == []
        return
    found = told(cluster, folder, command=[], settings=[], variables=[])

    assert found["cwd"] == str(folder)
    logs = {file.name.partition("-")[0] for file in folder.glob(".pdsl/runs/*/launch/slurm/logs/*.log")}
    assert logs == {"01_step", "gate"}
