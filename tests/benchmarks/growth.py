"""What ten thousand stages cost, and how the cost grows."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks.floor import write_floor
from tests.benchmarks.graphs import LLM, layered, write_pdsl, write_sweep
from tests.benchmarks.ours import Ours, environment
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.usage import Usage, alternate, cpu, least, measure, middle, ratio

MEMORY = 300 * 10**6


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Check and plan beside the plain-Python floor; memory; the cost of four times as many stages."""
    nodes = layered(10_000)
    program = write_floor(folder / "floor", nodes)
    many = Ours(write_pdsl(folder / "many", nodes))

    def floor() -> Usage:
        return measure([sys.executable, program.name], cwd=program.parent, environment=environment())

    cases = {"floor": floor, "check": lambda: many("check"), "plan": lambda: many("plan")}
    alternate(cases, 1)  # the first start writes byte code
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
    sizes = {"start": LLM, "5,000": layered(5_000), "20,000": layered(20_000)}
    graphs = {name: Ours(write_pdsl(folder / f"growth{place}", nodes)) for place, (name, nodes) in enumerate(sizes.items())}
    yield _growth("20,000 stages beside 5,000, CPU less the start's", graphs, rounds)
    recipes = {"start": 5, "2,500": 2_500, "10,000": 10_000}
    sweeps = {name: Ours(write_sweep(folder / f"sweep{place}", count)) for place, (name, count) in enumerate(recipes.items())}
    yield _growth("10,000 training stages beside 2,500, CPU less the start's", sweeps, rounds)


def _growth(what: str, checks: Mapping[str, Ours], rounds: int) -> Row:
    """Four times the stages take four times the CPU, once the cost of starting, the first of three, is taken off both."""
    alternate({name: lambda check=check: check("check") for name, check in checks.items()}, 1)  # the first start writes byte code
    runs = alternate({name: lambda check=check: check("check") for name, check in checks.items()}, rounds + 1)
    start, few, many = (least(found, cpu) for found in runs.values())
    return at_most(what, f"{many - start:.2f} s", f"{few - start:.2f} s", (many - start) / (few - start), 4 * 1.25)
