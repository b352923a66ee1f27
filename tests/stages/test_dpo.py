"""Preference optimisation moves a policy towards what was preferred, and says how far."""

from typing import Any

import pytest

from pipeline_dsl import Policy
from pipeline_dsl.stages.dpo import Dpo
from tests.stages.lessons_bench import COLOURS, LessonsBench, changed

pytestmark = pytest.mark.stages


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> LessonsBench:
    return LessonsBench(tmp_path_factory.mktemp("dpo"))


@pytest.fixture(scope="module")
def taught(bench: LessonsBench) -> dict[str, Any]:
    sft = bench.sft(epochs=6)
    bench.run(sft)
    return {
        "policy": sft,
        "data": bench.pairs,
        "held": bench.held,
        "prompts": bench.asked,
        "batch": 12,
        "learning_rate": 1e-3,
        "precision": "fp32",
        "kl_budget": 50.0,
        "max_new_tokens": 12,
        "chosen_weight": 1.0,
    }


@pytest.fixture(scope="module")
def moved(bench: LessonsBench, taught: dict[str, Any]) -> tuple[Dpo, Policy]:
    stage = Dpo(**taught, epochs=8)
    return stage, bench.run(stage)


def test_held_out_answers_that_are_preferred_gain_more_than_the_others(moved: tuple[Dpo, Policy]) -> None:
    accuracy = moved[1].scores["preference_accuracy"]

    assert accuracy.value > 80
    assert accuracy.samples == 12


def test_it_says_how_far_it_moved_from_the_model_it_started_as(bench: LessonsBench, moved: tuple[Dpo, Policy]) -> None:
    made = moved[1]

    assert made.reference == bench.digest(moved[0].policy)
    assert made.kl == made.kl_from_first
    assert made.kl.per_sequence.value > 0
    assert made.kl.per_sequence.stderr is not None
    assert 0 < made.kl.per_token < made.kl.per_sequence.value


def test_longer_training_moves_it_further(bench: LessonsBench, taught: dict[str, Any], moved: tuple[Dpo, Policy]) -> None:
    once = bench.attempt(Dpo(**changed(taught, learning_rate=1e-4)))

    assert once.kl.per_sequence.value < moved[1].kl.per_sequence.value


def test_a_step_of_no_size_leaves_it_where_it_was(bench: LessonsBench, taught: dict[str, Any]) -> None:
    made = bench.attempt(Dpo(**changed(taught, learning_rate=1e-12)), "still")

    assert made.kl.per_sequence.value == pytest.approx(0, abs=1e-4)


def test_the_policy_still_answers(bench: LessonsBench, moved: tuple[Dpo, Policy]) -> None:
    answers = bench.answers(moved[0], [f"Say {colour} now" for colour in COLOURS])

    assert sum(answer == colour for answer, colour in zip(answers, COLOURS, strict=True)) >= 5


def test_an_attempt_goes_on_from_its_last_checkpoint_to_the_same_policy(bench: LessonsBench, taught: dict[str, Any]) -> None:
    stage = Dpo(**taught, epochs=8, save_every=10)
    whole = bench.attempt(stage, "resumed")
    weights = (bench.output / "model.safetensors").read_bytes()

    again = bench.attempt(stage, "resumed")  # its scratch folder holds the checkpoints of the first

    assert again == whole
    assert (bench.output / "model.safetensors").read_bytes() == weights


def test_it_names_what_gates_may_ask_for(moved: tuple[Dpo, Policy]) -> None:
    names = [measured if isinstance(measured, str) else measured.name for measured in moved[0].measures()]

    assert set(names) == set(moved[1].scores)
