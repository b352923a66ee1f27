"""What a stage declares of how its model lies on its devices reaches the trainer, or is refused."""

from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl import Parallel
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.ml import pretraining
from tests.stages.lessons_bench import LessonsBench
from tests.stages.training_bench import TINY, TrainingBench, pretraining as declare

pytestmark = pytest.mark.stages

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"zero_stage": 2},
    "optimizer": {"zero_stage": 2, "offload": "optimizer"},
    "weights": {"zero_stage": 3, "offload": "weights", "recompute": "full"},
    "selective": {"zero_stage": 1, "recompute": "selective", "attention": "eager"},
}


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[tuple[int, float], ...]]:
    """The validation losses of one run with each setting, all of one launch."""
    bench = TrainingBench(tmp_path_factory.mktemp("division"))
    bench.scratch = bench.folder / "scratch"
    bench.scratch.mkdir()
    runs: list[Any] = []
    for name, changes in SETTINGS.items():
        (bench.folder / name).mkdir()
        recipe = declare(bench, save_every=1000, validate_every=10, tokens=20 * 16 * 32, **{"zero_stage": 2} | changes).recipe(bench, TINY)
        runs.append(pretraining.config(pretraining.Run(recipe=recipe, folder=str(bench.folder / name))))
    bench.launch(pretraining.SWEEP, {"runs": runs}, processes=2)
    found = {name: pretraining.outcome(bench.folder / name) for name in SETTINGS}
    return {name: outcome.curve for name, outcome in found.items() if outcome is not None}


@pytest.mark.parametrize("name", ["optimizer", "selective"])
def test_offloading_and_recomputing_learn_the_same(curves: dict[str, tuple[tuple[int, float], ...]], name: str) -> None:
    for (_, plain), (_, other) in zip(curves["plain"], curves[name], strict=True):
        assert other == pytest.approx(plain, abs=1e-3)


def test_offloaded_weights_learn(curves: dict[str, tuple[tuple[int, float], ...]]) -> None:
    assert curves["weights"][-1][1] < curves["weights"][0][1]  # ZeRO-3 draws other fresh weights


@pytest.mark.parametrize("parallel", [Parallel(tensor=2), Parallel(sequence=True), Parallel(expert=2)])
def test_a_way_of_dividing_that_the_engine_does_not_know_ends_the_stage(tmp_path: Path, parallel: Parallel) -> None:
    bench = TrainingBench(tmp_path)

    with pytest.raises(StageFailed, match="was asked for (tensor|sequence|expert) parallelism"):
        bench.attempt(declare(bench, parallel=parallel))


def test_one_process_alone_offloads_and_recomputes_as_it_fine_tunes(tmp_path: Path) -> None:
    bench = LessonsBench(tmp_path)
    plain = bench.attempt(bench.sft(epochs=2), "plain")
    offloaded = bench.attempt(bench.sft(epochs=2, offload="optimizer", recompute="full"), "offloaded")

    assert offloaded.loss == pytest.approx(plain.loss, abs=1e-3)
