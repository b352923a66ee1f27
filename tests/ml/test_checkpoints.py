"""A checkpoint is used whole or not at all."""

from pathlib import Path

import pytest

from pipeline_dsl.ml import checkpoints


def checkpoint(folder: Path, step: int) -> Path:
    place = folder / f"checkpoint-{step}"
    (place / "global_step").mkdir(parents=True)
    (place / "global_step" / "weights.pt").write_bytes(b"w" * 1000)
    (place / "trainer_state.json").write_text("{}")
    checkpoints.seal(place)
    return place


def test_training_goes_on_from_the_checkpoint_with_the_most_steps(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    last = checkpoint(tmp_path, 10)

    assert checkpoints.newest(tmp_path) == last


def test_without_a_checkpoint_training_begins(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path / "absent") is None


@pytest.mark.parametrize("file", ["global_step/weights.pt", "trainer_state.json", "complete.json"])
def test_a_truncated_checkpoint_is_skipped(tmp_path: Path, file: str) -> None:
    whole = checkpoint(tmp_path, 10)
    cut = checkpoint(tmp_path, 20)
    path = cut / file
    path.write_bytes(path.read_bytes()[:-1])

    assert checkpoints.newest(tmp_path) == whole


def test_only_what_was_cut_short_is_discarded(tmp_path: Path) -> None:
    whole, cut = checkpoint(tmp_path, 10), checkpoint(tmp_path, 20)
    (cut / "complete.json").unlink()

    checkpoints.discard_incomplete(tmp_path)

    assert list(tmp_path.iterdir()) == [whole]


@pytest.mark.parametrize("file", ["global_step/weights.pt", "complete.json"])
def test_a_checkpoint_that_lacks_a_file_is_skipped(tmp_path: Path, file: str) -> None:
    whole = checkpoint(tmp_path, 10)
    (checkpoint(tmp_path, 20) / file).unlink()

    assert checkpoints.newest(tmp_path) == whole
