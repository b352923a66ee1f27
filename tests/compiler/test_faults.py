"""Each file of `tests/faults/` breaks one thing, says where people met it, and on which line and under which code it is told so."""

import re
from pathlib import Path

import pytest

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.catalogue import catalogue
from pipeline_dsl.compiler.compile import compile_target
from tests.command import ROOT

FAULTY = sorted(file for file in (ROOT / "tests" / "faults").glob("*.py") if file.name[0] != "_")


def announced(file: Path) -> list[tuple[str, int]]:
    """The codes that a file's comments expect, each with its line."""
    found: list[tuple[str, int]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
        found += [(code, number) for code in re.findall(r"# expect: (PDSL\d{3})$", line)]
    return found


def place(diagnostic: Diagnostic, file: Path) -> tuple[str, int]:
    """What a finding says, and on which line if it is in this file."""
    span = diagnostic.span
    return diagnostic.code, span.line if span and Path(span.file).resolve() == file else 0


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: file.stem)
def test_a_faulty_pipeline_is_told_its_fault_at_its_line_and_nothing_else(file: Path) -> None:
    assert [place(diagnostic, file) for diagnostic in compile_target(str(file)).diagnostics] == announced(file)


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: file.stem)
def test_a_faulty_pipeline_has_one_fault(file: Path) -> None:
    assert len(announced(file)) == 1


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: file.stem)
def test_a_faulty_pipeline_says_where_its_fault_was_seen(file: Path) -> None:
    first = file.read_text(encoding="utf-8").split("\n", 1)[0]

    assert re.match(r"# seen: (https://\S+ – \S.+|\S.+, with \S.+ broken)", first), first


def test_there_are_at_least_a_hundred_and_fifty_faulty_pipelines() -> None:
    assert len(FAULTY) >= 150


def test_every_code_of_the_compiler_is_earned_by_a_whole_pipeline() -> None:
    earned = {code for file in FAULTY for code, _ in announced(file)}

    assert {entry.code for entry in catalogue().values() if entry.kind not in ("fault", "review")} - earned == set()
