"""`pdsl rollback`: what it shows, what it does, and how it is undone."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.runner.bench import Bench
from tests.runner.test_rollback import NAMES, VERSIONS, twelve


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A pipeline of twelve stages that ran."""
    made = Bench(tmp_path_factory.mktemp("twelve"))
    made.write(twelve(seconds=0.05), "twelve")
    assert made.pdsl("run", "twelve.py").returncode == 0
    return made


@pytest.fixture
def bench(original: Bench, tmp_path: Path) -> Bench:
    """A copy of it."""
    shutil.copytree(original.folder, tmp_path, dirs_exist_ok=True)
    return Bench(tmp_path)


def data(bench: Bench, *arguments: str) -> dict[str, Any]:
    ended = bench.pdsl("rollback", *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_it_shows_the_set_its_cost_and_what_is_kept_and_changes_nothing(bench: Bench) -> None:
    before = sorted(str(path) for path in bench.folder.glob(".pdsl/**/*"))

    said = bench.pdsl("rollback", "--failed", "09")

    assert said.returncode == 0, said.stderr
    rows = [line.split()[1:4] for line in said.stdout.splitlines() if line.endswith("measured")]
    assert rows == [[name, "cheap", "re-run"] for name in NAMES[8:]]
    assert "To run again: 4 stages, 4 by what was really spent" in said.stdout
    assert "From the cache: 8 stages: 01_step, " in said.stdout
    assert sorted(str(path) for path in bench.folder.glob(".pdsl/**/*")) == before


def test_applied_it_measures_what_was_saved_and_undone_all_is_as_before(bench: Bench) -> None:
    before = bench.manifest()["stages"]
    found = data(bench, "--failed", "09", "--apply")
    applied = found["applied"]
    assert (found["rollback_set"], applied["ran"], applied["from_cache"]) == (NAMES[8:], NAMES[8:], NAMES[:8])
    figures = applied["measured"]
    assert figures["whole"]["seconds"] == pytest.approx(figures["ran"]["seconds"] + figures["saved"]["seconds"])
    assert figures["whole"]["usd"] == pytest.approx(figures["ran"]["usd"] + figures["saved"]["usd"])
    assert 0.4 < figures["saved"]["seconds"] / figures["whole"]["seconds"] < 0.9
    assert bench.manifest()["stages"] != before

    undone = bench.pdsl("rollback", "--undo", applied["aside"])
    assert (undone.returncode, "09_step" in undone.stdout) == (0, True), undone.stderr
    assert bench.manifest()["stages"] == before
    assert bench.pdsl("store", "verify").returncode == 0


def test_without_a_run_the_records_are_aside_and_any_run_makes_them_anew(bench: Bench) -> None:
    said = bench.pdsl("rollback", "--failed", "11", "--apply", "--no-run")
    assert said.returncode == 0, said.stderr
    assert (bench.manifest()["status"], bench.manifest()["pending"]) == ("running", NAMES[10:])

    before = len(bench.notes())
    assert bench.pdsl("run", "twelve.py").returncode == 0
    assert [note for note in bench.notes()[before:] if note.startswith("start")] == ["start s11", "start s12"]


def test_an_action_that_is_none_is_found_when_it_is_declared(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='p', targets=[Step(label='a', on_failure='retry')])", "wrong")

    assert "`Step.on_failure` is 'retry'; it is one of 're-run'" in bench.pdsl("check", "wrong.py").stdout


def test_in_words_it_says_how_to_undo_it_and_what_was_saved(bench: Bench) -> None:
    said = bench.pdsl("rollback", "--failed", "11_step", "--apply")

    assert said.returncode == 0, said.stderr
    assert "ran again: 2 stages: 11_step, 12_step" in said.stdout
    assert "% " not in said.stdout
    assert "--undo" in said.stdout
    assert "saved" in said.stdout


def test_the_failed_stage_of_a_manifest_need_not_be_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "a = Step(label='a')\nb = Careless(how='raises', data=a)\npipeline = Pipeline(name='p', targets=[Step(label='c', reads=(b,))])"
    bench.write(text, "failing")
    assert bench.pdsl("run", "failing.py").returncode == 5

    found = data(bench)
    assert (found["failed"], found["rollback_set"]) == ("02_careless", ["02_careless", "03_step"])
    assert [(stage["name"], stage["measured"]) for stage in found["stages"]] == [
        ("01_step", True),
        ("02_careless", False),
        ("03_step", False),
    ]

    again = bench.pdsl("rollback", "--apply")
    assert again.returncode == 5
    assert "ZeroDivisionError" in again.stderr
    assert "--undo" in again.stdout


def test_what_falls_back_holds_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for label in ("first", "second"):
        bench.write(VERSIONS.format(label=label), "versions")
        assert bench.pdsl("run", "versions.py").returncode == 0

    shown = bench.pdsl("rollback", "--failed", "base").stdout
    assert "expensive  fall-back" in shown
    assert "label 'first' there and 'second' here" in shown

    held = bench.pdsl("rollback", "--failed", "base", "--apply")
    assert (held.returncode, "error[PDSL805]" in held.stderr) == (3, True)
    assert list(tmp_path.glob(".pdsl/aside/*")) == []


def test_a_declaration_says_the_action_and_the_plan_shows_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "a = Step(label='a', tier='medium')\nb = Step(label='b', reads=(a,), tier='expensive', on_failure='re-run')\n"
    bench.write(text + "pipeline = Pipeline(name='p', targets=[b])", "tiers")

    said = bench.pdsl("plan", "tiers.py").stdout

    assert "rollback medium: retrain" in said
    assert "rollback expensive: re-run" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--failed", "13"), "there is no stage `13`"),
        ((), "names no failed stage"),
        (("--failed", "09", "--revised", "twelve.py"), "give `--apply` too"),
        (("--undo", "nothing"), "nothing was set aside as `nothing`"),
        (("none.yaml", "--failed", "09"), "cannot read none.yaml"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(original: Bench, arguments: tuple[str, ...], reason: str) -> None:
    ended = original.pdsl("rollback", *arguments)

    assert (ended.returncode, reason in ended.stderr + ended.stdout, "Traceback" in ended.stderr) == (2, True, False), ended.stderr
