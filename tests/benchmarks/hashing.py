"""What it costs to hash a large file, beside the fastest sha256 at hand."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.ours import environment
from tests.benchmarks.table import Row, absent, at_most
from tests.benchmarks.usage import Usage, alternate, cpu, measure, middle, ratio, wall

DIGEST = "import sys; from pathlib import Path; from pipeline_dsl.base.digest import digest_file; digest_file(Path(sys.argv[1]))"


def rows(folder: Path, rounds: int, *, size: int) -> Iterator[Row]:
    """A file of `size` bytes from the page cache, on one core and on all."""
    if not shutil.which("openssl") or not shutil.which("taskset"):
        yield absent("hash a large file", "openssl and taskset are not both installed")
        return
    file = folder / "large"
    block = os.urandom(2**24)
    with file.open("wb") as stream:
        for _ in range(size // len(block)):
            stream.write(block)
    core = str(min(os.sched_getaffinity(0)))

    def run(*words: str) -> Usage:
        return measure([*words, file], cwd=folder, environment=environment())

    runs = alternate(
        {
            "openssl": lambda: run("taskset", "-c", core, "openssl", "dgst", "-sha256"),
            "one core": lambda: run("taskset", "-c", core, sys.executable, "-c", DIGEST),
            "all cores": lambda: run(sys.executable, "-c", DIGEST),
        },
        rounds,
    )
    file.unlink()
    gigabytes = size / 1e9
    yield at_most(
        f"hash {size / 2**30:g} GiB on one core, CPU",
        f"{gigabytes / middle(runs['one core'], cpu):.2f} GB/s",
        f"{gigabytes / middle(runs['openssl'], cpu):.2f} GB/s by openssl",
        ratio(runs["one core"], runs["openssl"], cpu),
        1.3,
    )
    cores = len(os.sched_getaffinity(0))
    if cores == 1:
        yield absent("the same on two cores", "this machine has one")
        return
    yield at_most(
        f"the same on {cores} cores, wall (needs them idle)",
        f"{gigabytes / middle(runs['all cores'], wall):.2f} GB/s",
        f"{gigabytes / middle(runs['openssl'], wall):.2f} GB/s by openssl",
        ratio(runs["all cores"], runs["openssl"], wall),
        0.8,
    )
