"""The editor sees what the compiler sees: pyright and mypy point at the same argument, and at nothing else.

In `typing/bad/*.py` a comment under a line draws carets beneath the expression that is wrong, followed by each checker's name
for the fault. `typing/good/*.py` holds pipelines that both accept.
"""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.command import ROOT, pdsl, run

TYPING = ROOT / "tests" / "typing"
BAD = sorted((TYPING / "bad").glob("*.py"))
GOOD = sorted((TYPING / "good").glob("*.py"))
BIN = Path(sys.executable).parent


@attrs.frozen(order=True)
class Finding:
    """Where an error of a type checker begins, counted from 1, and the checker's name for it."""

    file: str
    line: int
    column: int
    rule: str


def drawn(file: Path, checker: str) -> list[Finding]:
    """The errors that a file's caret comments announce for one checker."""
    found: list[Finding] = []
    code = 0
    for number, text in enumerate(file.read_text().splitlines(), start=1):
        mark = re.fullmatch(r"\s*#\s+(\^+)((?: \w+:[\w-]+)+)", text)
        if mark is None:
            code = number
            continue
        rules = dict(name.split(":") for name in mark.group(2).split())
        if checker in rules:
            found.append(Finding(file.name, code, mark.start(1) + 1, rules[checker]))
    return found


@cache
def pyright() -> list[Finding]:
    result = run([BIN / "pyright", "--project", TYPING, "--pythonpath", sys.executable, "--outputjson"], cwd=ROOT)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    found: list[Finding] = []
    for error in json.loads(result.stdout)["generalDiagnostics"]:
        start = error["range"]["start"]
        found.append(Finding(Path(error["file"]).name, start["line"] + 1, start["character"] + 1, error.get("rule", "")))
    return found


@cache
def mypy() -> list[Finding]:
    folder = os.pathsep.join([str(TYPING), str(ROOT)])
    result = run(
        [BIN / "mypy", "--config-file", ROOT / "pyproject.toml", "--follow-imports", "silent", "--output", "json", *GOOD, *BAD],
        cwd=ROOT,
        MYPYPATH=folder,
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    found: list[Finding] = []
    for line in result.stdout.splitlines():
        error: dict[str, Any] = json.loads(line)
        if error["severity"] == "error":
            found.append(Finding(Path(error["file"]).name, error["line"], error["column"] + 1, error["code"]))
    return found


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_pyright_points_at_what_is_wrong_and_at_nothing_else(file: Path) -> None:
    assert sorted(finding for finding in pyright() if finding.file == file.name) == drawn(file, "pyright")


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_mypy_points_at_what_is_wrong_and_at_nothing_else(file: Path) -> None:
    assert sorted(finding for finding in mypy() if finding.file == file.name) == drawn(file, "mypy")


@pytest.mark.parametrize("file", [file for file in BAD if "Pipeline(" in file.read_text()], ids=lambda file: file.stem)
def test_the_compiler_pyright_and_mypy_point_at_the_same_line_and_column(file: Path) -> None:
    result = pdsl("check", "--json", file, cwd=ROOT, PYTHONPATH=os.pathsep.join([str(ROOT), str(TYPING)]))
    said = json.loads(result.stdout)["diagnostics"]

    places = sorted((found["span"]["line"], found["span"]["column"]) for found in said)
    assert places == [(finding.line, finding.column) for finding in sorted(pyright()) if finding.file == file.name]
    assert places == [(finding.line, finding.column) for finding in sorted(mypy()) if finding.file == file.name]


def test_pyright_accepts_every_right_pipeline() -> None:
    wrong = {file.name for file in BAD}

    assert [finding for finding in pyright() if finding.file not in wrong] == []


def test_mypy_accepts_every_right_pipeline() -> None:
    wrong = {file.name for file in BAD}

    assert [finding for finding in mypy() if finding.file not in wrong] == []


def test_every_wrong_pipeline_says_where_it_is_wrong() -> None:
    assert [file.name for file in BAD if not drawn(file, "pyright")] == []
