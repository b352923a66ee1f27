"""Each file of `tests/good/` is right, and pdsl has nothing to say about it."""

import ast
import re
from pathlib import Path

import pytest

from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.plan import plan as plans
from tests.command import ROOT, pdsl

GOOD_FOLDER = ROOT / "tests" / "good"
GOOD = [*sorted(file for file in GOOD_FOLDER.glob("*.py") if file.name[0] != "_"), GOOD_FOLDER / "assistant" / "main.py"]
PUBLISHED = [file for file in GOOD if "from _published import" in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_a_right_pipeline_is_planned_without_a_word(file: Path) -> None:
    compiled = compile_target(str(file))

    assert [str(diagnostic) for diagnostic in compiled.diagnostics] == []
    assert compiled.plan is not None


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_its_plan_comes_back_from_a_file_as_it_was(file: Path) -> None:
    plan = compile_target(str(file)).plan
    assert plan is not None

    assert plans.parse(plans.dump(plan), where="plan.json") == plan


def test_there_are_at_least_twenty_five_right_pipelines() -> None:
    assert len(GOOD) >= 25


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.stem)
def test_a_published_recipe_names_its_source(file: Path) -> None:
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))

    assert told is not None
    assert re.search(r"\nSource: \S", told), told


def test_at_least_a_dozen_of_them_are_published_recipes() -> None:
    assert len(PUBLISHED) >= 12


def test_the_command_says_so_too(tmp_path: Path) -> None:
    result = pdsl("check", *GOOD, cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"checked {len(GOOD)} pipelines, ")
    assert result.stdout.endswith(": nothing to report\n")


def test_a_plan_is_the_same_by_path_and_by_name(tmp_path: Path) -> None:
    by_path = compile_target(str(GOOD_FOLDER / "assistant" / "main.py")).plan
    result = pdsl("plan", "assistant.main", "--json", "--out", tmp_path / "plan.json", cwd=GOOD_FOLDER)
    assert result.returncode == 0, result.stdout + result.stderr

    assert by_path is not None
    assert plans.read(tmp_path / "plan.json") == by_path
