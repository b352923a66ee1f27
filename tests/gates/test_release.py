"""What a run is compared with was let out, or its plan says so: nobody chooses the run that theirs looks well beside."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.fault import LogBroken
from pipeline_dsl.cli.gate import decide_opened, judge_run
from pipeline_dsl.gates.decision import Decision, decide_run, let_out
from pipeline_dsl.gates.release import was_let_out
from pipeline_dsl.store.log import Entry, Log
from tests.gates.test_verdict import Shipped, shipped, shipping

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def weak(tmp_path: Path) -> Shipped:
    """A run that ships by itself, and that nothing is hard to beat."""
    return shipped(tmp_path, shipping(label="weak", old=10.0, new=20.0))


def compared(folder: Path, **changes: Any) -> Shipped:
    """A run with a gate on the last release."""
    text = shipping(**{"baseline": "Release(manifest='released.yaml')", "new": 30.0, **changes})
    return shipped(folder, text.replace("old = Exam", "_ = Exam"))


def release(run: Shipped) -> None:
    let_out(run.run(), decide_run(run.run(), run.judge(), None, NOW), "export", now=NOW, by="somebody")


def log(run: Shipped) -> tuple[Entry, ...]:
    return Log(run.bench.store.layout.decisions).entries()


def decided(run: Shipped, baseline: Path | None = None) -> Decision:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(run.bench.folder)
        return decide_opened(run.run(), baseline, None)


def test_a_run_was_let_out_once_the_log_has_it(weak: Shipped) -> None:
    assert not was_let_out(weak.run(), log(weak))
    release(weak)
    assert was_let_out(weak.run(), log(weak))


def test_that_another_run_was_let_out_says_nothing(weak: Shipped, tmp_path: Path) -> None:
    other = shipped(tmp_path, shipping(label="other", old=10.0, new=20.0))
    release(other)
    assert not was_let_out(weak.run(), log(weak))


def test_other_results_of_the_same_plan_were_not_let_out(weak: Shipped) -> None:
    release(weak)

    def rerun(data: Any) -> None:
        next(iter(data["stages"].values()))["record"] = "sha256:" + "0" * 64

    weak.edit(rerun)
    assert not was_let_out(weak.run(), log(weak))


def test_a_baseline_that_somebody_names_and_nobody_let_out_holds(weak: Shipped, tmp_path: Path) -> None:
    new = compared(tmp_path)
    held = decided(new, weak.file)
    assert not held.ships
    assert [row.result for row in held.verdict.rows] == ["pass", "pass", "pass"]
    assert held.reasons == ("the baseline that was given was never let out: the decision log has no export of it, and no server",)
    release(weak)
    assert decided(new, weak.file).outcome == "SHIP"


def test_it_does_not_stand_in_for_an_evaluation_that_the_plan_names_either(weak: Shipped, tmp_path: Path) -> None:
    worse = shipped(tmp_path, shipping(old=40.0, new=30.0))
    assert decided(worse).reasons == ("mmlu failed",)
    assert not decided(worse, weak.file).ships


def test_the_one_that_the_plan_names_counts_and_it_is_said_if_it_was_never_let_out(weak: Shipped, tmp_path: Path) -> None:
    new = compared(tmp_path)
    (tmp_path / "released.yaml").write_bytes(weak.file.read_bytes())
    for given in (None, tmp_path / "released.yaml"):
        decision = decided(new, given)
        assert decision.outcome == "SHIP"
        assert "the baseline that the plan names was never let out" in decision.notes[0]
    release(weak)
    assert decided(new).notes == ()


def test_a_log_that_is_broken_vouches_for_nothing(weak: Shipped, tmp_path: Path) -> None:
    release(weak)
    file = weak.bench.store.layout.decisions
    file.write_bytes(file.read_bytes().replace(b"somebody", b"somebodY"))
    with pytest.raises(LogBroken):
        judge_run(compared(tmp_path).run(), weak.file)


def test_nothing_is_exported_beside_a_run_that_was_never_let_out(weak: Shipped, tmp_path: Path) -> None:
    new = compared(tmp_path)
    words = ("export", new.file, "--baseline", weak.file, "--out", "model")
    held = new.bench.pdsl(*words)
    assert held.returncode == 3
    assert "was never let out" in held.stderr
    assert not (tmp_path / "model").exists()
    assert new.bench.pdsl("export", weak.file, "--out", "weak").returncode == 0
    assert new.bench.pdsl(*words).returncode == 0
