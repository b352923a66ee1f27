"""Measure everything, print one table, exit 1 if a figure misses its target."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline_dsl.runner.machine import cores
from tests.benchmarks import contamination, cost, fit, growth, hashing, launching, peers, running, start
from tests.benchmarks.table import Row, absent, printed
from tests.benchmarks.usage import Failed, adopt_orphans

PARTS = ("start", "growth", "running", "hashing", "launching", "cost", "fit", "contamination")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which of {', '.join(PARTS)}; all without one")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each figure, medians are shown (default 5)")
    parser.add_argument("--peers", type=Path, help="a folder with the environments dvc/, snakemake/ and datatrove/")
    parser.add_argument("--install-peers", action="store_true", help="make those that are missing there, by pip")
    parser.add_argument("--gib", type=float, default=2, help="size of the file to hash and of the large artifact (default 2)")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if chosen.install_peers and not chosen.peers:
        parser.error("--install-peers needs --peers FOLDER")
    return chosen


def main() -> int:
    """Run the parts that were asked for."""
    chosen = arguments()
    adopt_orphans()
    if chosen.install_peers:
        peers.install(chosen.peers)
    rows: list[Row] = []
    size = int(chosen.gib * 2**30) // 2**24 * 2**24
    with tempfile.TemporaryDirectory(prefix="pdsl-benchmarks-") as temporary:
        folder = Path(temporary)
        at_hand = peers.found(chosen.peers, folder / "peers")
        measures: dict[str, Callable[[], Iterable[Row]]] = {
            "start": lambda: start.rows(folder / "start", at_hand, chosen.rounds),
            "growth": lambda: growth.rows(folder / "growth", (chosen.rounds + 1) // 2),
            "running": lambda: running.rows(folder / "running", at_hand, chosen.rounds, large=size),
            "hashing": lambda: hashing.rows(folder / "hashing", (chosen.rounds + 1) // 2, size=size),
            "launching": lambda: launching.rows(folder / "launching", (chosen.rounds + 1) // 2),
            "cost": cost.rows,
            "fit": lambda: fit.rows(folder / "fit"),
            "contamination": lambda: contamination.rows(folder / "contamination", peers.library(chosen.peers, "datatrove"), cores()),
        }
        for part in chosen.parts or PARTS:
            (folder / part).mkdir()
            try:
                for row in measures[part]():
                    print(f"measured: {row.what}", file=sys.stderr, flush=True)
                    rows.append(row)
            except Failed as failure:
                print(failure, file=sys.stderr)
                rows.append(Row(part, "failed", "", "", "", False))
    missing = [name for name in peers.PINS if name not in {peer.name for peer in at_hand}]
    rows += [absent(f"beside {name}", "no environment: --peers FOLDER --install-peers") for name in missing]
    print(printed(rows))
    return int(any(row.ok is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
