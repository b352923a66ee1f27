"""A bundle is evidence: what was held here is held wherever it is unpacked."""

from pathlib import Path

import pytest

from pipeline_dsl.store import bundle
from tests.gates.test_verdict import Shipped, shipped, shipping


@pytest.mark.parametrize(("new", "code"), [(30.0, 3), (50.0, 0)])
def test_a_bundle_is_let_out_no_sooner_than_the_run_that_is_in_it(tmp_path: Path, new: float, code: int) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    run: Shipped = shipped(folder, shipping(new=new))
    ended = run.bench.pdsl("bundle", run.file, "--out", tmp_path / "run.tar.gz")
    assert ended.returncode == 0, ended.stderr
    assert not run.bench.store.layout.decisions.exists()

    there = tmp_path / "there"
    there.mkdir()
    found = bundle.read(tmp_path / "run.tar.gz", there, lambda more: None)
    ended = run.bench.pdsl("export", found.manifest, "--store", found.store.layout.root, "--out", tmp_path / "model")
    assert ended.returncode == code, ended.stderr
    assert (tmp_path / "model").exists() is (code == 0)
