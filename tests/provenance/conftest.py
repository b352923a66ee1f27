"""One run for all of these tests, copied for those that damage it."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.gates.test_verdict import Shipped, shipped, shipping
from tests.provenance.released import Released, make_key
from tests.runner.bench import Bench

LIBRARIES = ("in_toto_attestation", "securesystemslib", "model_signing", "huggingface_hub")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    for item in items:
        if absent and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(absent)}; pip install 'pdsl[all]'"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """A run that ships; it is only looked at."""
    return shipped(tmp_path_factory.mktemp("finished"), shipping())


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ECDSA key, which signs attestations and models."""
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def attested(finished: Shipped, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """The run's attestations; they are only looked at."""
    return Released.of(finished, key, tmp_path_factory.mktemp("attested"))


@pytest.fixture
def released(attested: Released, tmp_path: Path) -> Released:
    """A copy of the run and its attestations, to be damaged."""
    shutil.copytree(attested.folder, tmp_path / "attestations")
    shutil.copytree(attested.run.bench.folder, tmp_path / "run")
    file = tmp_path / "run" / attested.run.file.relative_to(attested.run.bench.folder)
    return Released(Shipped(Bench(tmp_path / "run"), attested.run.plan, file), attested.key, tmp_path / "attestations")
