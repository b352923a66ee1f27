"""The real thing, made again: a pre-training of some seconds, from one file, in a folder that has nothing else."""

import json
from pathlib import Path

import pytest

from tests.command import pdsl
from tests.runner.test_tiny_killed import ARGUMENTS, prepared

pytestmark = [pytest.mark.stages, pytest.mark.slow]


def test_a_pre_training_is_replayed_from_its_bundle_in_an_empty_folder(tmp_path: Path) -> None:
    bench = prepared(tmp_path / "project", steps=100)
    assert pdsl(*ARGUMENTS, cwd=bench.folder, timeout=500).returncode == 0
    assert pdsl("bundle", "--only-inputs", "--out", "tiny.tar.zst", cwd=bench.folder).returncode == 0
    (tmp_path / "empty").mkdir()
    bundle = bench.folder / "tiny.tar.zst"
    done = pdsl("replay", bundle, "--trust", "--jobs", "2", "--json", cwd=tmp_path / "empty", timeout=500)
    assert done.returncode == 0, done.stderr
    found = {result["stage"]: result["status"] for result in json.loads(done.stdout)["results"]}
    *before, (last, trained) = found.items()
    assert {status for _, status in before} == {"bit-identical"}
    assert (last, trained in ("bit-identical", "reproduced")) == ("06_pretrain", True)
