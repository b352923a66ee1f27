"""A progress file is read by whoever watches, while a stage may write anything into it."""

import json
from pathlib import Path

import pytest

from pipeline_dsl.runner.progress import read_progress

NONSENSE: tuple[str | bytes, ...] = (
    "",
    '{"step": 1, "to',
    "[]",
    "null",
    "3",
    '{"step": "x", "total": 2}',
    '{"total": 2}',
    b"\xed\xa0\x80",
    "[" * 10**5,
    '{"step": NaN, "total": 2}',
    '{"step": 1, "total": 1e999}',
    '{"step": 1, "total": 2, "figures": {"loss": "low"}}',
)


@pytest.mark.parametrize("text", NONSENSE)
def test_what_makes_no_sense_is_no_progress(tmp_path: Path, text: str | bytes) -> None:
    file = tmp_path / "progress.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    assert read_progress(file) is None


def test_no_file_is_no_progress(tmp_path: Path) -> None:
    assert read_progress(tmp_path / "progress.json") is None


def test_what_a_stage_reports_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    file.write_text(json.dumps({"step": 3, "total": 4, "figures": {"loss": float("nan")}, "time": 12.5}))
    found = read_progress(file)
    assert found is not None
    assert (found.step, found.total, list(found.figures), found.time) == (3, 4, ["loss"], 12.5)
