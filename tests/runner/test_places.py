"""Where a run takes place does not matter: odd folders, links, other working directories, a disk without space."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import ROOT
from tests.runner.bench import DIAMOND, Bench, faults, timeless

FILLING = """
small = Step(label='small')
full = Careless(how='fills the disk', data=small)
pipeline = Pipeline(name='filling', targets=[Step(label='after', reads=(full,))])
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("plain"))
    bench.write(DIAMOND.format(seconds=0), "diamond")
    assert bench.pdsl("run", "diamond.py").returncode == 0
    return bench


def manifest_in(folder: Path) -> str:
    (file,) = folder.glob("runs/*/manifest.yaml")
    return file.read_text()


@pytest.mark.parametrize("name", ["Grüße \u4e16\u754c \U0001f680 'quoted'", "-rf\n%s {x} $HOME"])
def test_a_folder_may_be_called_anything(tmp_path: Path, plain: Bench, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    bench = Bench(folder)
    bench.write(DIAMOND.format(seconds=0), "diamond")
    ended = bench.pdsl("run", "diamond.py", "--store", folder / "my store")
    assert ended.returncode == 0, ended.stderr
    assert bench.pdsl("run", "diamond.py", "--store", "./my store").stdout.startswith("diamond: all 5 stages are cached")
    import yaml

    assert timeless(yaml.safe_load(manifest_in(folder / "my store"))) == timeless(plain.manifest())


def test_a_store_may_be_named_by_the_environment_and_lie_behind_links(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "link" / "deep" / "store").symlink_to("../other")
    (tmp_path / "real" / "other").mkdir()
    bench = Bench(tmp_path)
    bench.write(DIAMOND.format(seconds=0), "diamond")
    there = str(tmp_path / "link" / "deep" / "store")
    assert bench.pdsl("run", "diamond.py", PDSL_STORE=there).returncode == 0
    assert "cached" in bench.pdsl("run", "diamond.py", "--store", tmp_path / "real" / "other").stdout
    assert not (tmp_path / ".pdsl").exists()
    assert bench.pdsl("store", "verify", PDSL_STORE=there).returncode == 0


def test_a_run_may_be_started_from_another_folder(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(DIAMOND.format(seconds=0), "diamond")
    (tmp_path / "elsewhere").mkdir()
    other = Bench(tmp_path / "elsewhere")
    assert other.pdsl("run", "../diamond.py", "--store", "../.pdsl").returncode == 0
    assert "cached" in bench.pdsl("run", tmp_path / "diamond.py").stdout
    assert "cached" in bench.pdsl("run", "diamond").stdout


def test_a_stage_may_be_called_like_a_folder_of_the_runner(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "a = Step(label='output', name='output')\nb = Step(label='inputs', name='inputs', reads=(a,))\n"
    text += "pipeline = Pipeline(name='store', targets=[Step(label='scratch', name='scratch', reads=(a, b))])"
    assert bench.run(text).fault is None
    assert list(bench.manifest()["stages"]) == ["output", "inputs", "scratch"]


def test_a_stage_that_changes_its_folder_writes_to_the_store_that_was_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='moving', targets=[Careless(how='changes folder')])", "moving")
    ended = bench.pdsl("run", "moving.py", "--store", "relative")
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / "relative" / "store" / "blobs").glob("*/*"))) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    place = tmp_path / ".pdsl"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small disk needs the right to mount one: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_said_plainly_and_once_there_is_space_the_run_goes_on(tmp_path: Path, small_disk: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(FILLING, "filling")
    ended = bench.pdsl("run", "filling.py")
    assert (ended.returncode, faults(ended.stderr)[-1]) == (5, "PDSL405"), ended.stderr
    assert "no space left" in ended.stderr
    assert "Traceback" not in ended.stderr.rpartition("the whole log")[2]
    assert bench.pdsl("store", "verify").returncode == 0
    assert [record.kind for record in bench.store.records()] == ["step"]
    assert (bench.manifest()["status"], bench.manifest()["failed_stage"]) == ("failed", "02_careless")
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    again = bench.pdsl("run", "filling.py", "--json")
    assert (again.returncode, '"ran": 2' in again.stdout) == (0, True), again.stderr
    assert bench.notes().count("start small") == 1


def test_a_disk_without_a_byte_left_is_said_plainly(tmp_path: Path, small_disk: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(FILLING, "filling")
    assert subprocess.run(["dd", "if=/dev/zero", f"of={small_disk / 'ballast'}", "bs=4096"], capture_output=True).returncode == 1
    ended = bench.pdsl("run", "filling.py")
    assert (ended.returncode, faults(ended.stderr)[-1]) == (5, "PDSL405"), ended.stderr
    assert "Traceback" not in ended.stderr
    (small_disk / "ballast").unlink()
    assert bench.pdsl("store", "verify").returncode == 0


def test_a_limit_on_the_size_of_files_is_said_plainly(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(FILLING, "filling")
    limit = 4 * 2**20
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline_dsl", "run", "filling.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **bench.environment},
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (ended.returncode, faults(ended.stderr)[-1]) == (5, "PDSL405"), ended.stderr
    assert list(bench.store.damage()) == []
    assert bench.manifest()["failed_stage"] == "02_careless"
