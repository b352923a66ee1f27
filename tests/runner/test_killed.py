"""A run that is ended at any moment leaves a store that is right, nothing running, and goes on from the finished stages."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.bench import DIAMOND, Bench, timeless
from tests.runner.killing import killed, left_behind, start, survivors, until

MOMENTS = 20
ARGUMENTS = ("run", "diamond.py", "--jobs", "2")


def prepared(folder: Path, seconds: float = 0.12) -> Bench:
    folder.mkdir()
    bench = Bench(folder)
    bench.write(DIAMOND.format(seconds=seconds), "diamond")
    return bench


@pytest.mark.slow
def test_killed_at_twenty_random_moments_a_run_resumes_to_the_manifest_of_an_undisturbed_one(tmp_path: Path) -> None:
    calm = prepared(tmp_path / "calm")
    plan = calm.plan(DIAMOND.format(seconds=0.12))
    undisturbed = killed(ARGUMENTS, cwd=calm.folder, after=60, environment=calm.environment)
    assert undisturbed.code == 0, undisturbed.output
    starts = calm.times()
    first = undisturbed.seconds - (starts["end last"] - starts["start root"]) / 1e9  # about when the first stage begins
    chance = random.Random(20)
    stopped, whole = 0, undisturbed.seconds
    for index in range(MOMENTS):
        bench = prepared(tmp_path / str(index))
        moment = chance.uniform(0.6 * first, whole) if index else 0.05
        dead = killed(ARGUMENTS, cwd=bench.folder, after=moment, environment=bench.environment)
        assert dead.code in (-signal.SIGKILL, 0)
        stopped += dead.code != 0
        whole = min(whole, dead.seconds) if dead.code == 0 else whole  # the machine has become quicker than it was
        assert left_behind(dead.mark) == []
        assert list(bench.store.damage()) == []
        finished = {str(record.fields["label"]) for record in bench.store.records()}
        before = len(bench.notes())
        assert bench.run(plan, jobs=2).fault is None
        started = {line.removeprefix("start ") for line in bench.notes()[before:] if line.startswith("start ")}
        assert started == {"root", "left", "right", "join", "last"} - finished
        assert timeless(bench.manifest()) == timeless(calm.manifest())
        assert list(bench.store.damage()) == []
    assert stopped > MOMENTS / 2


def test_a_run_killed_over_and_over_ends_in_the_same_manifest_and_uses_its_checkpoints(tmp_path: Path) -> None:
    calm, bench = prepared(tmp_path / "calm", 0.4), prepared(tmp_path / "harassed", 0.4)
    assert killed(ARGUMENTS, cwd=calm.folder, after=60, environment=calm.environment).code == 0
    for _ in range(4):
        started = start(ARGUMENTS, cwd=bench.folder, **bench.environment)
        seen = len(bench.notes())
        until(lambda seen=seen: len(bench.notes()) > seen and list(bench.folder.glob(".pdsl/work/*/scratch/checkpoint.json")), started)
        assert left_behind(started.end(signal.SIGKILL).mark) == []
    assert killed(ARGUMENTS, cwd=bench.folder, after=60, environment=bench.environment).code == 0
    assert timeless(bench.manifest()) == timeless(calm.manifest())
    assert any(line.startswith("resume ") for line in bench.notes())


def test_a_killed_stage_fails_the_run_by_name_and_the_next_run_goes_on(tmp_path: Path) -> None:
    bench = prepared(tmp_path / "here", 0.5)
    started = start(ARGUMENTS, cwd=bench.folder, **bench.environment)
    until(lambda: "start left" in bench.notes(), started)
    (runner,) = [pid for pid in survivors(started.mark) if pid == started.process.pid]
    stages = [pid for pid in survivors(started.mark) if pid != runner]
    os.kill(stages[0], signal.SIGKILL)
    ended = started.end()
    assert ended.code == 5
    assert "killed by SIGKILL" in ended.output
    assert left_behind(ended.mark) == []
    manifest = bench.manifest()
    assert manifest["status"] == "failed"
    assert manifest["failed_stage"] in ("02_step", "03_step")
    assert "01_step" in manifest["stages"]
    assert killed(ARGUMENTS, cwd=bench.folder, after=60, environment=bench.environment).code == 0
    assert bench.manifest()["status"] == "complete"
    assert bench.manifest()["failed_stage"] is None


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_ends_its_stages_and_can_go_on(tmp_path: Path, how: signal.Signals) -> None:
    bench = prepared(tmp_path / "here", 0.5)
    started = start(ARGUMENTS, cwd=bench.folder, **bench.environment)
    until(lambda: "start left" in bench.notes(), started)
    ended = started.end(how)
    assert ended.code == 130
    assert left_behind(ended.mark, 0.5) == []
    assert bench.manifest()["status"] == "interrupted"
    assert bench.manifest()["failed_stage"] is None
    assert "01_step" in bench.manifest()["stages"]
    assert list(bench.store.damage()) == []
    again = killed(ARGUMENTS, cwd=bench.folder, after=60, environment=bench.environment)
    assert again.code == 0
    assert bench.notes().count("start root") == 1
    assert bench.manifest()["status"] == "complete"


def stubborn(tmp_path: Path, how: str) -> tuple[Bench, Callable[[], bool]]:
    bench = Bench(tmp_path)
    bench.write(f"pipeline = Pipeline(name='stubborn', targets=[Careless(how={how!r})])", "stubborn")
    return bench, lambda: "asleep" in bench.notes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_daemon_that_a_stage_started_ends_with_the_run(tmp_path: Path, how: signal.Signals) -> None:
    bench, asleep = stubborn(tmp_path, "starts_a_daemon_and_sleeps")
    started = start(("run", "stubborn.py"), cwd=bench.folder, **bench.environment)
    until(asleep, started)
    assert len(survivors(started.mark)) >= 3
    assert left_behind(started.end(how).mark, 12) == []


def test_a_stage_that_sleeps_in_c_code_ends_with_its_runner(tmp_path: Path) -> None:
    bench, asleep = stubborn(tmp_path, "computes_in_c")
    started = start(("run", "stubborn.py"), cwd=bench.folder, **bench.environment)
    until(asleep, started)
    assert left_behind(started.end(signal.SIGKILL).mark) == []
