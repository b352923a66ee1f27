"""What it costs to run twelve stages that do nothing, and to find that there is nothing to do."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.graphs import LLM, write_pdsl
from tests.benchmarks.ours import Ours
from tests.benchmarks.peers import Peer
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.usage import Usage, alternate, cpu, middle, ratio


def rows(folder: Path, peers: Sequence[Peer], rounds: int, *, large: int) -> Iterator[Row]:
    """A fresh run beside the peers', and a second one beside a check, with a source of `large` bytes in the store."""
    fresh = Ours(write_pdsl(folder / "fresh", LLM))

    def ours() -> Usage:
        fresh.forget()
        return fresh("run")

    def theirs(peer: Peer) -> Callable[[], Usage]:
        def run() -> Usage:
            peer.prepare(LLM)
            return peer.ran()

        return run

    runs = alternate({"pdsl": ours, **{peer.name: theirs(peer) for peer in peers}}, rounds)
    for peer in peers:
        yield at_most(
            f"run 12 no-op stages, a process each, CPU, beside {peer.name}",
            f"{middle(runs['pdsl'], cpu):.2f} s",
            f"{middle(runs[peer.name], cpu):.2f} s",
            ratio(runs["pdsl"], runs[peer.name], cpu),
            1.0,
        )
    yield from _again(Ours(write_pdsl(folder / "again", LLM, large=large)), rounds, large)


def _again(pipeline: Ours, rounds: int, large: int) -> Iterator[Row]:
    pipeline("run")
    runs = alternate({"run": lambda: pipeline("run"), "check": lambda: pipeline("check")}, 3 * rounds)
    yield at_most(
        "run again, nothing changed, CPU",
        f"{middle(runs['run'], cpu) * 1000:.0f} ms",
        f"{middle(runs['check'], cpu) * 1000:.0f} ms to check",
        ratio(runs["run"], runs["check"], cpu),
        1.2,
    )
    read, checked = (middle(runs[name], lambda run: run.read) for name in ("run", "check"))
    yield Row(
        f"the same, bytes read beside {large / 2**20:,.0f} MiB of artifacts",
        f"{read / 1e6:.1f} MB",
        f"{checked / 1e6:.1f} MB to check",
        "",
        "+ 1% of them",
        read - checked < large / 100,
    )
