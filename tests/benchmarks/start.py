"""What it costs to ask: a cold `pdsl check`."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline_dsl.compiler.compile import compile_target
from tests.benchmarks.graphs import LLM, write_pdsl
from tests.benchmarks.ours import Ours, python
from tests.benchmarks.peers import Peer
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.usage import alternate, cpu, middle, ratio
from tests.command import ROOT, demo as copy_demo

IMPORTS = "import attrs, cattrs, networkx, typer, yaml"


def rows(folder: Path, peers: Sequence[Peer], rounds: int) -> Iterator[Row]:
    """A check of the demo beside the imports that it needs, and of twelve stages beside the peers' own check."""
    demo = Ours(copy_demo(folder))
    cases = {"ours": lambda: demo("check"), "floor": lambda: python(IMPORTS, folder)}
    alternate(cases, 1)  # the first start writes byte code
    runs = alternate(cases, 3 * rounds)
    yield at_most(
        "pdsl check pipelines/tiny.py, CPU",
        f"{middle(runs['ours'], cpu) * 1000:.0f} ms",
        f"{middle(runs['floor'], cpu) * 1000:.0f} ms to import",
        ratio(runs["ours"], runs["floor"], cpu),
        1.5,
    )

    yield _largest(folder / "good", demo, rounds)

    twelve = Ours(write_pdsl(folder / "twelve", LLM))
    for peer in peers:
        peer.prepare(LLM)
    runs = alternate({"pdsl": lambda: twelve("check"), **{peer.name: peer.checked for peer in peers}}, rounds)
    for peer in peers:
        yield at_most(
            f"check 12 stages, CPU, beside {peer.name}",
            f"{middle(runs['pdsl'], cpu) * 1000:.0f} ms",
            f"{middle(runs[peer.name], cpu) * 1000:.0f} ms",
            ratio(runs["pdsl"], runs[peer.name], cpu),
            1.0,
        )


def _largest(folder: Path, demo: Ours, rounds: int) -> Row:
    """A check of the right pipeline that has the most stages, beside one of the demo."""
    shutil.copytree(ROOT / "tests" / "good", folder, ignore=shutil.ignore_patterns("__pycache__"))
    stages = {file: _stages(file) for file in sorted(folder.glob("[a-z]*.py"))}
    largest = max(stages, key=stages.__getitem__)
    many = Ours(largest)
    cases = {"largest": lambda: many("check"), "demo": lambda: demo("check")}
    alternate(cases, 1)
    runs = alternate(cases, 2 * rounds)
    return at_most(
        f"pdsl check tests/good/{largest.name}, {stages[largest]} stages, CPU",
        f"{middle(runs['largest'], cpu) * 1000:.0f} ms",
        f"{middle(runs['demo'], cpu) * 1000:.0f} ms for tiny.py",
        ratio(runs["largest"], runs["demo"], cpu),
        1.5,
    )


def _stages(file: Path) -> int:
    graph = compile_target(str(file)).graph
    return len(graph.order) if graph else 0
