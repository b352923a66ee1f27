"""A training goes on from a checkpoint that another number of processes wrote."""

import json
import threading
from pathlib import Path

import pytest

from pipeline_dsl import Checkpoint
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml.checkpoints import is_complete
from pipeline_dsl.ml.regrouping import written_by
from tests.stages.training_bench import TrainingBench, pretraining

pytestmark = pytest.mark.stages

STEPS = 120


def attempt(bench: TrainingBench, stage: int, ranks: int) -> Checkpoint:
    return bench.attempt(pretraining(bench, zero_stage=stage, ranks=ranks, tokens=STEPS * 16 * 32, save_every=1000, validate_every=20))


def stopped(bench: TrainingBench, stage: int, ranks: int, *, after: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An attempt that is asked to stop once it has come so far; its checkpoint."""
    ask = bench.folder / f"stop-{ranks}"
    monkeypatch.setenv("PDSL_STOP", str(ask))
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            try:
                step = json.loads((bench.folder / "progress.json").read_text())["step"]
            except (OSError, ValueError):
                continue
            if step >= after:
                ask.touch()
                return

    watcher = threading.Thread(target=watch)
    (bench.folder / "progress.json").unlink(missing_ok=True)
    watcher.start()
    try:
        with pytest.raises(StageFailed, match="stopped as asked"):
            attempt(bench, stage, ranks)
    finally:
        over.set()
        watcher.join()
        monkeypatch.delenv("PDSL_STOP")
    return max((bench.scratch / "run").glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))


def test_a_training_divided_between_two_goes_on_alone_and_learns_what_it_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "moved").mkdir()
    calm = attempt(TrainingBench(tmp_path / "calm"), 2, 2)
    bench = TrainingBench(tmp_path / "moved")
    first = stopped(bench, 2, 2, after=20, monkeypatch=monkeypatch)
    reached = int(first.name.partition("-")[2])
    moved = attempt(bench, 2, 1)

    assert written_by(first) == 2
    assert 20 <= reached < STEPS
    assert [step for step, _ in moved.loss_curve] == [step for step, _ in calm.loss_curve]
    for (_, here), (_, there) in zip(moved.loss_curve, calm.loss_curve, strict=True):
        assert here == pytest.approx(there, rel=2e-4)


def test_a_training_whose_weights_are_divided_too_says_that_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = TrainingBench(tmp_path)
    kept = stopped(bench, 3, 2, after=2, monkeypatch=monkeypatch)
    with pytest.raises(StageFailed, match=f"{kept.name} is of 2 processes, and under ZeRO-3 1 cannot go on from it"):
        attempt(bench, 3, 1)

    assert is_complete(kept)
