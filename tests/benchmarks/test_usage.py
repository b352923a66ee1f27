import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.graphs import layered, sinks
from tests.benchmarks.table import Row, at_most, printed
from tests.benchmarks.usage import Failed, Usage, ratio

BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"

MEASURED = """
import sys
from pathlib import Path
from tests.benchmarks.usage import adopt_orphans, measure
adopt_orphans()
used = measure([sys.executable, "-c", sys.argv[1]], cwd=Path(sys.argv[2]))
print(used.cpu, used.peak, used.read)
"""


def measured(code: str, folder: Path) -> tuple[float, int, int]:
    """(CPU, peak, bytes read) of a program, measured from a process that has no other children."""
    argv = [sys.executable, "-c", MEASURED, code, str(folder)]
    result = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    used, peak, read = result.stdout.split()
    return float(used), int(peak), int(read)


def test_the_cpu_time_of_a_child_counts(tmp_path: Path) -> None:
    used, _, _ = measured(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}], check=True)", tmp_path)

    assert used >= 0.3


def test_the_cpu_time_of_an_orphan_counts(tmp_path: Path) -> None:
    used, _, _ = measured(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}])", tmp_path)

    assert used >= 0.3


def test_the_memory_of_a_child_counts(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(200 * 10**6)'], check=True)"

    assert measured(child, tmp_path)[1] > 200 * 10**6


def test_the_bytes_that_a_child_reads_count(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(30 * 10**6))
    child = "import subprocess; subprocess.run(['cat', 'big'], check=True)"

    assert 30 * 10**6 < measured(child, tmp_path)[2] < 60 * 10**6


def test_a_command_that_fails_has_no_figures(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        measured("raise SystemExit(3)", tmp_path)


def test_a_failure_says_what_the_command_printed(tmp_path: Path) -> None:
    from tests.benchmarks.usage import measure

    with pytest.raises(Failed, match="exit 3\nwhy it failed"):
        measure([sys.executable, "-c", "print('why it failed'); raise SystemExit(3)"], cwd=tmp_path)


def test_a_ratio_is_the_median_of_neighbours() -> None:
    ours = [Usage(0, cpu, 0, 0) for cpu in (1.0, 8.0, 3.0)]
    other = [Usage(0, cpu, 0, 0) for cpu in (1.0, 2.0, 2.0)]

    assert ratio(ours, other, lambda run: run.cpu) == 1.5


def test_a_figure_past_its_target_is_marked() -> None:
    table = printed([at_most("a", "2", "1", 2.0, 1.5), at_most("b", "1", "1", 1.0, 1.5), Row("c", "", "", "", "", None)])

    assert [line.split()[-1] for line in table.splitlines()] == ["ok?", "NO", "yes", "-"]


def test_each_stage_of_a_layered_graph_reads_two_of_the_layer_above() -> None:
    nodes = layered(100)

    assert [len(inputs) for _, inputs in nodes] == [0] * 10 + [2] * 90


def test_the_last_layer_is_what_nothing_reads() -> None:
    assert sinks(layered(100)) == [f"s{number:05d}" for number in range(90, 100)]
