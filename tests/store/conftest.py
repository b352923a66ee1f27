"""One run in a bundle for all of these tests, which only look at it."""

import pytest

from tests.runner.bench import DIAMOND, Bench
from tests.store.packed import Packed, content, pack


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    bench = Bench(tmp_path_factory.mktemp("packed"))
    assert bench.run(DIAMOND.format(seconds=0), jobs=2).fault is None
    found = content(bench)
    pack(found, bench.folder / "run.tar.gz")
    return Packed(bench, found, bench.folder / "run.tar.gz")
