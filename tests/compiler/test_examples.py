"""Every check shows a pipeline that it refuses and one that it lets pass, and both are compiled here."""

import re
from pathlib import Path

import pytest

from pipeline_dsl.compiler import checks as package
from pipeline_dsl.compiler.catalogue import PARTS, Entry, catalogue
from pipeline_dsl.compiler.check import Check, all_checks
from pipeline_dsl.compiler.examples import try_out
from tests.command import ROOT

EXPLAINED = [entry for entry in catalogue().values() if entry.kind not in ("fault", "review")]
CHECKS = all_checks()


def code(entry: Entry) -> str:
    return entry.code


@pytest.mark.parametrize("entry", EXPLAINED, ids=code)
def test_the_bad_example_earns_its_code_and_no_other(entry: Entry) -> None:
    found = [diagnostic.code for diagnostic in try_out(entry.bad).diagnostics]

    assert set(found) == {entry.code}


@pytest.mark.parametrize("entry", EXPLAINED, ids=code)
def test_the_good_example_earns_nothing(entry: Entry) -> None:
    assert [str(diagnostic) for diagnostic in try_out(entry.good).diagnostics] == []


@pytest.mark.parametrize("entry", EXPLAINED, ids=code)
def test_the_bad_example_is_told_where_it_is_wrong(entry: Entry) -> None:
    tried = try_out(entry.bad)
    lines = [diagnostic.span.line if diagnostic.span else 0 for diagnostic in tried.diagnostics]

    assert [line for line in lines if not 1 <= line <= len(tried.text.splitlines())] == []


@pytest.mark.parametrize("entry", EXPLAINED, ids=code)
def test_a_finding_is_as_severe_as_its_code_says(entry: Entry) -> None:
    assert {str(diagnostic.severity) for diagnostic in try_out(entry.bad).diagnostics} == {entry.kind}


@pytest.mark.parametrize("entry", catalogue().values(), ids=code)
def test_a_code_says_which_part_speaks(entry: Entry) -> None:
    assert re.fullmatch(r"PDSL([1-9])\d\d", entry.code)
    assert entry.code[4] in PARTS


@pytest.mark.parametrize("entry", catalogue().values(), ids=code)
def test_a_code_is_explained_in_sentences(entry: Entry) -> None:
    assert re.match(r"[A-Z`].*[.:]$", entry.text.replace("\n", " ")), entry.text


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_check_has_its_own_code_text_and_examples(check: type[Check]) -> None:
    assert {"code", "bad", "good", "__doc__"} <= vars(check).keys()
    assert all((check.code, check.bad, check.good, check.__doc__))


def test_no_two_kinds_of_finding_share_a_code() -> None:
    codes = [check.code for check in CHECKS]

    assert sorted(codes) == sorted(set(codes))
    assert len(catalogue()) > len(codes)  # building it refuses a code that is there twice


def test_a_check_lies_in_the_file_that_its_name_says() -> None:
    folder = Path(package.__file__ or "").parent
    named = {re.sub(r"(?<!^)(?=[A-Z])", "_", check.__name__).lower() for check in CHECKS}

    assert named == {file.stem for file in folder.glob("*.py")} - {"__init__"}


def test_every_code_in_the_source_is_explained() -> None:
    text = "".join(file.read_text() for file in (ROOT / "pipeline_dsl").rglob("*.py"))

    assert set(re.findall(r"\"(PDSL\d{3})\"", text)) - catalogue().keys() == set()
