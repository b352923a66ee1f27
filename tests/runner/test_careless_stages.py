"""Whatever a stage's own code does, the run says what it was, and the store is right."""

import os
import time
from pathlib import Path

import pytest

from pipeline_dsl.base.fault import DigestMismatch, Fault, StageFailed, UnsafePath, WrongArtifact
from tests.runner.bench import Bench, Quiet, environment

ONE = "pipeline = Pipeline(name='careless', targets=[Careless(how={!r})])"
TWO = "given = Step(label='given')\npipeline = Pipeline(name='careless', targets=[Careless(how={!r}, data=given)])"

FAILURES = {
    "raises": (StageFailed, "ZeroDivisionError: nothing to divide by"),
    "raises while spoofing": (StageFailed, "the real reason"),
    "raises what means hold": (StageFailed, "a stage cannot hold a run"),
    "exits 0": (StageFailed, "sys.exit(0)"),
    "exits 3": (StageFailed, "sys.exit(3)"),
    "vanishes with 0": (StageFailed, "ended without a result"),
    "vanishes with 3": (StageFailed, "exit code 3"),
    "segfaults": (StageFailed, "killed by SIGSEGV"),
    "dies of signal 40": (StageFailed, "killed by signal 40"),
    "recurses": (StageFailed, "RecursionError"),
    "prints and raises": (StageFailed, "after 3 MB"),
    "returns nothing": (WrongArtifact, "returned bool, not Corpus"),
    "returns another artifact": (WrongArtifact, "returned EvalReport, not Corpus"),
    "returns text for a number": (WrongArtifact, "expected int @ its metadata.documents"),
    "returns a path": (WrongArtifact, "not JSON serializable"),
    "leaves nothing": (WrongArtifact, "no file matches `*.jsonl`"),
    "writes elsewhere": (WrongArtifact, "no file matches `*.jsonl`"),
    "removes its output": (UnsafePath, "no folder any more"),
    "moves its output": (UnsafePath, "no folder any more"),
    "leaves a link": (UnsafePath, "`passwd` is a link"),
    "leaves a link to a folder": (UnsafePath, "`etc` is a link"),
    "leaves a pipe": (UnsafePath, "`b.jsonl` is no regular file"),
    "names a file badly": (UnsafePath, "no path inside an artifact"),
    "names a file in no encoding": (StageFailed, "surrogate"),
}


def other(folder: Path) -> Path:
    """A folder of somebody else's, with a file in it."""
    place = folder / "other"
    place.mkdir()
    (place / "mine.jsonl").write_text("mine\n")
    return place


@pytest.mark.parametrize("how", FAILURES)
def test_a_failing_stage_is_reported_by_its_own_reason_and_leaves_no_record(tmp_path: Path, how: str) -> None:
    bench, mine = Bench(tmp_path), other(tmp_path)
    kind, reason = FAILURES[how]
    with environment(PDSL_TEST_OTHER=str(mine)):
        outcome = bench.run(ONE.format(how))
    assert type(outcome.fault) is kind
    assert reason in outcome.fault.message
    assert outcome.fault.exit == 5
    manifest = bench.manifest()
    assert (manifest["status"], manifest["failed_stage"], manifest["stages"]) == ("failed", "01_careless", {})
    assert reason in manifest["reason"]
    assert list(bench.store.records()) == []
    assert list(bench.store.damage()) == []
    assert [file.name for file in mine.iterdir()] == ["mine.jsonl"]


@pytest.mark.parametrize("how", ["prints", "forks", "starts a daemon", "changes folder"])
def test_a_stage_that_is_odd_but_right_is_done(tmp_path: Path, how: str) -> None:
    bench = Bench(tmp_path)
    began = time.monotonic()
    assert bench.run(ONE.format(how)).fault is None
    assert time.monotonic() - began < 15  # and does not wait for the minute that its children sleep
    assert bench.manifest()["status"] == "complete"
    assert not below_us()
    assert list(bench.store.damage()) == []


def below_us() -> list[int]:
    from pipeline_dsl.runner.descendants import below

    return [
        pid
        for pid in below(os.getpid())
        if Path(f"/proc/{pid}/stat").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    ]


def test_a_stage_that_writes_to_its_input_is_caught_and_the_file_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    outcome = bench.run(TWO.format("writes to its input"))
    assert isinstance(outcome.fault, DigestMismatch)
    assert "`a.jsonl` of the corpus" in outcome.fault.message
    assert len(list(bench.store.damage())) == 1
    assert [record.kind for record in bench.store.records()] == ["step"]


def test_a_file_that_has_a_second_name_is_copied_so_that_the_other_cannot_change_it(tmp_path: Path) -> None:
    bench, mine = Bench(tmp_path), other(tmp_path)
    with environment(PDSL_TEST_OTHER=str(mine)):
        assert bench.run(ONE.format("leaves a second name")).fault is None
    (mine / "mine.jsonl").write_text("changed later\n")
    assert list(bench.store.damage()) == []


def test_a_stage_that_failed_goes_on_with_its_own_scratch(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan("pipeline = Pipeline(name='careless', targets=[Careless(how='vanishes_with_3', before=2)])")
    faults = [bench.run(plan).fault for _ in range(3)]
    assert [isinstance(fault, Fault) for fault in faults] == [True, True, False]
    assert list(bench.folder.glob(".pdsl/work/*")) == []


def test_what_an_earlier_attempt_said_is_not_said_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    log = next(iter(FAILURES))
    assert "ZeroDivisionError" in str(bench.run(ONE.format(log)).fault)
    (written,) = bench.folder.glob(".pdsl/logs/*")
    written.rename(written.with_name("away"))
    outcome = bench.run(bench.plan(ONE.format("vanishes with 3")))
    assert "exit code 3" in str(outcome.fault)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_score_that_is_no_finite_number_fails_its_stage(tmp_path: Path, value: str) -> None:
    outcome = Bench(tmp_path).run(f"pipeline = Pipeline(name='odd', targets=[Odd(value={value!r})])")
    assert isinstance(outcome.fault, WrongArtifact)
    assert "`x`" in outcome.fault.message


def test_a_score_that_is_no_score_fails_its_stage_and_not_those_that_read_it(tmp_path: Path) -> None:
    outcome = Bench(tmp_path).run("pipeline = Pipeline(name='odd', targets=[Odd(value='1', odd=True)])")
    assert isinstance(outcome.fault, WrongArtifact)


def test_a_stage_that_breaks_its_progress_file_does_not_break_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(ONE.format("breaks its progress"), "broken")
    ended = bench.pdsl("run", "broken.py")
    assert ended.returncode == 0, ended.stderr


def test_the_end_of_a_failed_stages_log_is_printed_whatever_bytes_are_in_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(ONE.format("prints and raises"), "printing")
    ended = bench.pdsl("run", "printing.py")
    assert ended.returncode == 5
    assert "| not UTF-8: \ufffd\ufffd" in ended.stderr
    assert "error[PDSL802]: `01_careless` raised ValueError: after 3 MB" in ended.stderr
    assert "this is a bug" not in ended.stderr
    logs = bench.pdsl("logs", "01_careless", "-n", "3")
    assert "after 3 MB" in logs.stdout


def test_one_failure_lets_what_runs_finish_and_starts_nothing_new(tmp_path: Path) -> None:
    bench, watch = Bench(tmp_path), Quiet()
    outcome = bench.run(
        "bad = Careless(how='raises')\nslow = Step(label='slow', seconds=0.6)\nnever = Step(label='never', reads=(slow,))\n"
        "pipeline = Pipeline(name='careless', targets=[bad, never])",
        jobs=2,
        watch=watch,
    )
    assert isinstance(outcome.fault, StageFailed)
    assert "end slow" in bench.notes()
    assert "start never" not in bench.notes()
    manifest = bench.manifest()
    assert (list(manifest["stages"]), manifest["pending"]) == (["02_step"], ["01_careless", "03_step"])
