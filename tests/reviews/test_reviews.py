"""Each manifest of this folder says what a review must find in it, on which line, and what it must decide; nothing else is found."""

import re
from functools import cache
from pathlib import Path

import pytest

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.review.review import Review, Terms, review

MANIFESTS = sorted(Path(__file__).parent.glob("*.yaml"))
_HEADER = re.compile(r"^# verdict: (approve|refuse)(?:, exit (4))?$", re.MULTILINE)


@cache
def judged(file: Path) -> Review:
    return review(file.read_bytes(), str(file), Terms())


def announced(file: Path) -> list[tuple[str, int]]:
    """The codes that a file's comments expect, each with its line."""
    lines = file.read_text(encoding="utf-8").split("\n")
    found = [(number, match[1]) for number, line in enumerate(lines, 1) if (match := re.search(r"# expect: ((?:PDSL\d{3} ?)+)", line))]
    return sorted({(code, number) for number, codes in found for code in codes.split()})


def found(review: Review) -> list[tuple[str, int]]:
    """Every finding but that a type is not installed here, which is so in most of these files."""
    return sorted({place(finding) for finding in review.findings if finding.code != "PDSL115"})


def place(finding: Diagnostic) -> tuple[str, int]:
    assert finding.span is not None
    return finding.code, finding.span.line


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_a_manifest_is_judged_as_it_says(file: Path) -> None:
    header = _HEADER.search(file.read_text(encoding="utf-8").replace("\r", ""))
    assert header, "every manifest says its verdict"
    given = judged(file)

    assert found(given) == announced(file)
    assert (given.verdict.lower(), given.broken) == (header[1], header[2] == "4")


def test_there_are_at_least_sixty_manifests_of_which_fifteen_are_good() -> None:
    texts = [file.read_text(encoding="utf-8") for file in MANIFESTS]

    assert len(texts) >= 60
    assert sum("# verdict: approve" in text for text in texts) >= 15


def test_every_refusal_says_what_to_do() -> None:
    silent = {
        (file.stem, finding.code)
        for file in MANIFESTS
        for finding in judged(file).findings
        if not finding.help and finding.code not in _CLEAR
    }

    assert silent == set()


_CLEAR = {"PDSL203", "PDSL204", "PDSL510"}
"""Codes whose message says what a value may be."""
