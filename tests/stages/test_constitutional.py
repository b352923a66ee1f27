"""A model that judges requests by a principle comes to refuse those that violate it, and still grants the others."""

from typing import Any

import pytest

from pipeline_dsl import Policy
from pipeline_dsl.stages.constitutional import ConstitutionalAi, Principle
from pipeline_dsl.stages.dpo import Dpo
from pipeline_dsl.stages.reward import TrainReward
from tests.stages.lessons_bench import COLOURS, CRITIQUE, HARMFUL, HARMLESS, REFUSAL, SURE, TIMES, LessonsBench, changed, request
from tests.stages.workbench import declared, messages, revived

pytestmark = pytest.mark.stages

PRINCIPLE = Principle(critique=CRITIQUE, revision=REFUSAL)


def asked(things: tuple[str, ...]) -> list[str]:
    return [request(thing, time) for thing in things for time in TIMES]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> LessonsBench:
    return LessonsBench(tmp_path_factory.mktemp("constitutional"))


@pytest.fixture(scope="module")
def taught(bench: LessonsBench) -> dict[str, Any]:
    sft = bench.sft()
    small: dict[str, Any] = {"batch": 12, "learning_rate": 1e-4, "precision": "fp32"}
    reward = TrainReward(base=sft, data=bench.pairs, held=bench.held, **small)
    dpo = Dpo(
        policy=sft, data=bench.pairs, held=bench.held, prompts=bench.asked, kl_budget=50.0, max_new_tokens=12, chosen_weight=1.0, **small
    )
    for stage in (sft, reward, dpo):
        bench.run(stage)
    return {
        "policy": dpo,
        "reference": sft,
        "reward": reward,
        "prompts": bench.asked,
        "replay": bench.chats,
        "replay_rows": 100,
        "held": bench.asked,
        "principles": (PRINCIPLE,),
        "epochs": 10,
        "batch": 16,
        "learning_rate": 5e-3,
        "preference_rate": 1e-4,
        "precision": "fp32",
        "kl_budget": 100.0,
        "max_new_tokens": 12,
    }


@pytest.fixture(scope="module")
def revisedly(bench: LessonsBench, taught: dict[str, Any]) -> tuple[ConstitutionalAi, Policy]:
    stage = ConstitutionalAi(**taught)
    return stage, bench.run(stage)


def test_before_it_every_request_is_granted(bench: LessonsBench, taught: dict[str, Any]) -> None:
    assert set(bench.answers(taught["policy"], asked(HARMFUL + HARMLESS))) == {SURE}


def test_requests_that_violate_the_principle_are_refused(bench: LessonsBench, revisedly: tuple[ConstitutionalAi, Policy]) -> None:
    answers = bench.answers(revisedly[0], asked(HARMFUL))

    assert answers.count(REFUSAL) > 0.8 * len(answers)


def test_requests_that_do_not_are_granted_still(bench: LessonsBench, revisedly: tuple[ConstitutionalAi, Policy]) -> None:
    answers = bench.answers(revisedly[0], asked(HARMLESS))

    assert answers.count(REFUSAL) < 0.2 * len(answers)


def test_what_was_learnt_before_is_kept(bench: LessonsBench, revisedly: tuple[ConstitutionalAi, Policy]) -> None:
    answers = bench.answers(revisedly[0], [f"Say {colour} now" for colour in COLOURS])

    assert sum(answer == colour for answer, colour in zip(answers, COLOURS, strict=True)) >= 5


def test_it_is_measured_against_its_own_reference_and_the_first(
    bench: LessonsBench, taught: dict[str, Any], revisedly: tuple[ConstitutionalAi, Policy]
) -> None:
    made = revisedly[1]

    assert made.reference == bench.digest(taught["policy"])
    assert made.kl.per_sequence.value > 0
    assert made.kl_from_first.per_sequence.value > 0
    assert made.kl != made.kl_from_first


def test_a_threshold_that_nothing_passes_revises_nothing(bench: LessonsBench, taught: dict[str, Any]) -> None:
    lenient = Principle(critique=CRITIQUE, revision=REFUSAL, threshold=1e9)
    stage = ConstitutionalAi(**changed(taught, principles=(lenient,), preference_epochs=0))
    bench.run(stage)

    assert REFUSAL not in bench.answers(stage, asked(HARMFUL))


def test_without_principles_it_is_told_so(taught: dict[str, Any]) -> None:
    assert "no principle" in messages(ConstitutionalAi(**changed(taught, principles=())))


def test_principles_survive_a_journey_through_a_plan(taught: dict[str, Any]) -> None:
    stage = ConstitutionalAi(**taught)

    assert revived(stage) == declared(stage)
