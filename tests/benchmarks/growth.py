"""What ten thousand stages cost, and how that grows."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.floor import write_floor
from tests.benchmarks.graphs import LLM, layered, write_pdsl
from tests.benchmarks.ours import Ours, environment
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.usage import Usage, alternate, cpu, measure, middle, ratio

MEMORY = 300 * 10**6


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Check and plan beside the plain-Python floor; memory; the cost of ten times as many stages."""
    nodes = layered(10_000)
    program = write_floor(folder / "floor", nodes)
    many = Ours(write_pdsl(folder / "many", nodes))
    fewer = Ours(write_pdsl(folder / "fewer", layered(1_000)))
    few = Ours(write_pdsl(folder / "few", LLM))

    def floor() -> Usage:
        return measure([sys.executable, program.name], cwd=program.parent, environment=environment())

    cases = {
        "floor": floor,
        "check": lambda: many("check"),
        "plan": lambda: many("plan"),
    }
    alternate({"floor": floor}, 1)  # the first start writes byte code
    runs = alternate(cases, rounds)
    for command in ("check", "plan"):
        yield at_most(
            f"{command} 10,000 stages, CPU",
            f"{middle(runs[command], cpu):.2f} s",
            f"{middle(runs['floor'], cpu):.2f} s in plain Python",
            ratio(runs[command], runs["floor"], cpu),
            10,
        )
    peak = max(run.peak for command in ("check", "plan") for run in runs[command])
    yield at_most("the same, peak memory", f"{peak / 1e6:.0f} MB", f"{MEMORY / 1e6:.0f} MB", peak / MEMORY, 1.0)
    shorter = alternate({"fewer": lambda: fewer("check"), "few": lambda: few("check")}, 3 * rounds)
    start = middle(shorter["few"], cpu)
    small, large = middle(shorter["fewer"], cpu) - start, middle(runs["check"], cpu) - start
    yield at_most("10,000 stages beside 1,000, CPU less start", f"{large:.2f} s", f"{small:.2f} s", large / max(small, 1e-4), 12)
