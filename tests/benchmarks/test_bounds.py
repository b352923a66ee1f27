"""The bounds that hold on a busy machine too; the others are in the table of `python -m tests.benchmarks`."""

import sys
from functools import cache
from pathlib import Path

import pytest

from tests.command import ROOT, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def growth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the two tests that read the same table."""
    return tmp_path_factory.mktemp("growth")


@cache
def benchmarks(part: str, folder: Path, *options: str) -> list[str]:
    """One part of the benchmarks: the lines of its table."""
    result = run([sys.executable, "-m", "tests.benchmarks", part, "--rounds", "1", *options], cwd=ROOT, timeout=500, TMPDIR=str(folder))
    lines = result.stdout.splitlines()[1:]
    assert lines, result.stderr
    assert "failed" not in result.stdout, result.stderr
    return lines


def table(part: str, folder: Path, *options: str) -> dict[str, str]:
    """One part of the benchmarks: each figure's verdict."""
    return {line.split("  ")[0]: line.split()[-1] for line in benchmarks(part, folder, *options)}


def test_four_times_the_stages_cost_nothing_like_sixteen_times_as_much(growth: Path) -> None:
    """Twice the target, so that a busy machine passes; what is quadratic does not."""
    result = benchmarks("growth", growth)
    ratios = {line.split("  ")[0]: float(line.split()[-4].removesuffix("x")) for line in result if " beside " in line and "CPU" in line}

    assert len(ratios) == 2
    assert max(ratios.values()) < 10


def test_ten_thousand_stages_cost_at_most_ten_times_the_floor_and_little_memory(growth: Path) -> None:
    verdicts = table("growth", growth)

    assert verdicts["check 10,000 stages, CPU"] == "yes"
    assert verdicts["plan 10,000 stages, CPU"] == "yes"
    assert verdicts["the same, peak memory"] == "yes"


def test_running_again_reads_no_byte_of_what_was_made(tmp_path: Path) -> None:
    verdicts = table("running", tmp_path, "--gib", "0.5")

    assert verdicts["the same, bytes read beside 512 MiB of artifacts"] == "yes"


def test_rendering_launchers_costs_little_more_than_checking(tmp_path: Path) -> None:
    """A quarter above the targets, so that a busy machine passes."""
    ratios = {
        line.split("  ")[0]: float(line.split()[-4].removesuffix("x")) for line in benchmarks("launching", tmp_path) if " CPU " in line
    }

    assert ratios["compile pipelines/tiny.py for all backends, CPU"] < 2.5
    assert ratios["compile 1,000 stages for Slurm, CPU"] < 6.25
