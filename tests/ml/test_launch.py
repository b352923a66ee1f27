"""A function runs in as many processes as asked, and none outlives the one that asked."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml.launch import environment, launch

pytestmark = pytest.mark.stages

LAUNCHER = """
import signal, sys
from pathlib import Path
from pipeline_dsl.ml.launch import launch
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to it
launch("tests.ml.targets:linger", {"folder": sys.argv[1]}, processes=2, folder=Path(sys.argv[1]))
"""


def test_every_process_knows_its_rank_and_only_rank_0_speaks_for_the_group(tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"

    launch("tests.ml.targets:note", {"folder": str(tmp_path)}, processes=2, folder=tmp_path, threads=2, progress_file=progress)

    notes = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert [(note["rank"], note["world"], note["local"]) for note in notes] == [(0, 2, 0), (1, 2, 1)]
    assert [note["environment"]["OMP_NUM_THREADS"] for note in notes] == ["1", "1"]
    said = json.loads(progress.read_text())
    assert (said["step"], said["total"], said["figures"]) == (1, 2, {"loss": 0.5})


def test_the_libraries_that_the_ranks_used_come_back_with_their_versions(tmp_path: Path) -> None:
    import attrs

    assert launch("tests.ml.targets:versions", {}, processes=1, folder=tmp_path) == {"attrs": attrs.__version__}


def test_the_error_carries_the_log_of_the_rank_that_failed_first(tmp_path: Path) -> None:
    with pytest.raises(StageFailed) as caught:
        launch("tests.ml.targets:fail", {}, processes=2, folder=tmp_path)

    assert "rank 1 of `tests.ml.targets:fail` failed: ValueError: nothing to divide by" in caught.value.message
    assert "  | about to divide" in caught.value.message
    assert "hung up" not in caught.value.message


def test_a_killed_rank_is_blamed_and_not_those_that_miss_it(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="rank 1 .* killed by signal 9") as caught:
        launch("tests.ml.targets:vanish", {}, processes=2, folder=tmp_path)

    assert "memory" in caught.value.help


def test_a_target_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"rank 0 .* has no attribute 'absent'"):
        launch("tests.ml.targets:absent", {}, processes=1, folder=tmp_path)


def test_another_launcher_leaves_nothing_in_the_environment_of_a_rank(tmp_path: Path) -> None:
    outer = {"RANK": "7", "MASTER_PORT": "1", "ACCELERATE_USE_CPU": "1", "DEEPSPEED_ZERO3_INIT": "1", "HOME": "/home/x"}

    inner = environment(outer, folder=tmp_path, threads=3)

    assert not {"RANK", "MASTER_PORT", "ACCELERATE_USE_CPU", "DEEPSPEED_ZERO3_INIT"} & set(inner)
    assert (inner["HOME"], inner["OMP_NUM_THREADS"], inner["HF_HUB_OFFLINE"]) == ("/home/x", "3", "1")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_rank_outlives_its_launcher(tmp_path: Path, how: signal.Signals) -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(tmp_path)], env=os.environ | {"PYTHONPATH": os.getcwd()})
    notes = [tmp_path / f"{rank}.pid" for rank in range(2)]
    _until(lambda: all(note.exists() and note.read_text() for note in notes))
    ranks = [int(note.read_text()) for note in notes]

    launcher.send_signal(how)

    launcher.wait(180)
    _until(lambda: not any(_lives(rank) for rank in ranks))


def _until(so: Any) -> None:
    end = time.monotonic() + 180
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
