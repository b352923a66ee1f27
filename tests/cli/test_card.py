"""`pdsl card`, as a person runs it."""

from pathlib import Path

import pytest

from tests.gates.test_verdict import LINKS, Shipped, shipped, shipping
from tests.runner.bench import Bench


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return shipped(tmp_path_factory.mktemp("finished"), shipping())


@pytest.mark.parametrize(("kind", "title"), [("model", "# shipping 0.1.0"), ("data", "# Data of shipping 0.1.0")])
def test_a_card_is_printed_or_written_the_same(finished: Shipped, tmp_path: Path, kind: str, title: str) -> None:
    printed = finished.bench.pdsl("card", "--kind", kind)
    assert (printed.returncode, title in printed.stdout.splitlines()) == (0, True), printed.stderr
    written = finished.bench.pdsl("card", finished.file, "--kind", kind, "--out", tmp_path / "CARD.md")
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "CARD.md").read_text() == printed.stdout


def test_a_card_is_of_the_run_that_is_named_and_what_was_edited_is_refused(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping())
    run.edit(LINKS["record"])
    ended = run.bench.pdsl("card", run.file)
    assert (ended.returncode, "Traceback" in ended.stderr) == (4, False)


def test_without_a_run_there_is_nothing_to_write_about(tmp_path: Path) -> None:
    ended = Bench(tmp_path).pdsl("card")
    assert ended.returncode == 2
    assert "nothing was run here yet" in ended.stderr


def test_a_folder_that_is_not_there_is_said(finished: Shipped) -> None:
    ended = finished.bench.pdsl("card", "--out", "nowhere/card.md")
    assert ended.returncode == 2
    assert "no folder nowhere" in ended.stderr


def test_an_incomplete_run_has_a_card_of_what_there_is(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(), only=frozenset({"01_step"}))
    ended = run.bench.pdsl("card")
    assert ended.returncode == 0, ended.stderr
    assert "HOLD" in ended.stdout
    assert "held: the run is not complete" in ended.stdout


def test_a_run_that_made_no_model_has_a_card_of_its_data_alone(tmp_path: Path) -> None:
    run = shipped(tmp_path, "pipeline = Pipeline(name='one', targets=[Step(label='a')])")
    ended = run.bench.pdsl("card")
    assert (ended.returncode, "made no model" in ended.stderr, "--kind data" in ended.stderr) == (2, True, True)
    assert run.bench.pdsl("card", "--kind", "data").returncode == 0
