"""The bounds that hold on a busy machine too; the others are in the table of `python -m tests.benchmarks`."""

import sys
from pathlib import Path

import pytest

from tests.command import ROOT, run

pytestmark = pytest.mark.slow


def table(part: str, folder: Path, *options: str) -> dict[str, str]:
    """One part of the benchmarks: each figure's verdict."""
    result = run([sys.executable, "-m", "tests.benchmarks", part, "--rounds", "1", *options], cwd=ROOT, timeout=500, TMPDIR=str(folder))
    lines = result.stdout.splitlines()[1:]
    assert lines, result.stderr
    assert "failed" not in result.stdout, result.stderr
    return {line.split("  ")[0]: line.split()[-1] for line in lines}


def test_ten_thousand_stages_cost_at_most_ten_times_the_floor_and_little_memory(tmp_path: Path) -> None:
    verdicts = table("growth", tmp_path)

    assert verdicts["check 10,000 stages, CPU"] == "yes"
    assert verdicts["plan 10,000 stages, CPU"] == "yes"
    assert verdicts["the same, peak memory"] == "yes"


def test_running_again_reads_no_byte_of_what_was_made(tmp_path: Path) -> None:
    verdicts = table("running", tmp_path, "--gib", "0.5")

    assert verdicts["the same, bytes read beside 512 MiB of artifacts"] == "yes"
