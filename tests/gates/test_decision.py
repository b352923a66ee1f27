"""SHIP, SHIP by override, HOLD: one function of a verdict, of what was signed about it, and of the time."""

import itertools
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.base.fault import Held
from pipeline_dsl.gates.decision import decide, require_ship
from pipeline_dsl.gates.override import Case, Standing
from pipeline_dsl.gates.policy import Bootstrap, Rule
from pipeline_dsl.gates.verdict import Result, Row
from pipeline_dsl.store.log import Log
from tests.gates.people import NOW, Desk, People, gate, people, row, unmeasured, verdict, without_baseline

MMLU, SAFETY, FINE = row(), row("safety"), row("cost", "pass")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> People:
    return people(tmp_path_factory.mktemp("people"))


@pytest.fixture
def desk(known: People, tmp_path: Path) -> Desk:
    return Desk(known, verdict(MMLU, FINE), known.policy(), Log(tmp_path / "decisions.jsonl"))


def test_a_run_whose_gates_pass_ships_by_itself(desk: Desk) -> None:
    found = desk.about(verdict(FINE)).decide()
    assert (found.outcome, found.reasons, found.overridden, found.policy) == ("SHIP", (), {}, None)
    assert require_ship(found) == found.verdict.artifact


def test_a_failing_gate_holds_until_it_is_overridden(desk: Desk) -> None:
    held = desk.decide()
    assert (held.outcome, held.reasons) == ("HOLD", ("mmlu failed",))
    with pytest.raises(Held, match="mmlu >= 40"):
        require_ship(held)
    found = desk.decide(desk.sign(MMLU))
    assert found.outcome == "SHIP by override"
    assert [(index, [one.person for one in signed]) for index, signed in found.overridden.items()] == [(0, ["Ada"])]
    assert require_ship(found) == desk.verdict.artifact
    assert found.policy == desk.policy.digest if desk.policy else False


def test_each_failing_gate_takes_its_own(desk: Desk) -> None:
    both = desk.about(verdict(MMLU, SAFETY))
    one = both.sign(MMLU)
    assert both.decide(one).reasons == ("safety failed",)
    assert both.decide(one, both.sign(SAFETY, "Grace")).outcome == "SHIP by override"


def test_an_expired_override_holds_again_and_says_so(desk: Desk) -> None:
    found = desk.decide(desk.sign(MMLU), now=NOW + timedelta(days=8))
    assert found.outcome == "HOLD"
    assert found.notes == ("Ada's override of `mmlu >= 40` does not count: it expired on 2026-06-08T12:00:00Z",)
    with pytest.raises(Held, match="it expired on"):
        require_ship(found)


def test_one_of_several_that_counts_is_enough(desk: Desk) -> None:
    old = desk.sign(MMLU, expires="2026-06-01T12:00:00Z")
    found = desk.decide(old, desk.sign(MMLU, "Grace"))
    assert found.outcome == "SHIP by override"
    assert len(found.notes) == 1


def two_reviewers(desk: Desk) -> Desk:
    return desk.under(desk.people.policy(Rule(roles=("release",), gates=("*",), days=30, reviewers=2)))


def test_two_reviewers_are_two_people(desk: Desk) -> None:
    strict = two_reviewers(desk)
    ada = strict.sign(MMLU)
    assert strict.decide(ada).reasons == ("mmlu failed, signed by Ada, and needs 1 more reviewer",)
    assert strict.decide(ada, ada, strict.sign(MMLU, reason="once more")).outcome == "HOLD"
    found = strict.decide(ada, strict.sign(MMLU, "Grace"))
    assert found.outcome == "SHIP by override"
    assert {one.person for one in found.overridden[0]} == {"Ada", "Grace"}


@pytest.mark.parametrize("alias", ["ada@example.org", "ADA", " Ada "])
def test_one_person_by_two_names_is_one_reviewer(desk: Desk, alias: str) -> None:
    strict = two_reviewers(desk)
    assert strict.decide(strict.sign(MMLU), strict.sign(MMLU, alias, by="Ada")).outcome == "HOLD"


def test_what_is_wrong_with_the_run_itself_no_override_helps(desk: Desk) -> None:
    broken = desk.about(verdict(MMLU, reasons=("the run is not complete: 02 did not finish",)))
    found = broken.decide(broken.sign(MMLU), broken.sign(None))
    assert found.reasons == ("the run is not complete: 02 did not finish",)
    with pytest.raises(Held, match="not complete"):
        require_ship(found)


def test_a_run_that_ships_nothing_is_held_whatever_is_signed(desk: Desk) -> None:
    empty = desk.about(verdict(MMLU, artifact=None))
    assert empty.decide(empty.sign(MMLU)).outcome == "HOLD"


# A first release.


def test_a_bootstrap_waives_the_gates_without_a_baseline_and_no_others(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline(), without_baseline("gsm8k"), SAFETY, FINE))
    boot = first.sign(None)
    found = first.decide(boot)
    assert found.reasons == ("safety failed",)
    assert set(found.overridden) == {0, 1}
    assert first.decide(boot, first.sign(SAFETY)).outcome == "SHIP by override"


def test_a_bootstrap_does_not_waive_a_gate_that_was_not_measured(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline(), unmeasured("gsm8k")))
    assert first.decide(first.sign(None)).reasons == ("gsm8k unknown",)


def test_a_bootstrap_may_take_two(desk: Desk) -> None:
    strict = desk.under(desk.people.policy(bootstrap=Bootstrap(roles=("release",), days=30, reviewers=2)))
    first = strict.about(verdict(without_baseline()))
    boot = first.sign(None)
    assert "needs 1 more reviewer" in first.decide(boot).reasons[0]
    assert first.decide(boot, first.sign(None, "Grace")).outcome == "SHIP by override"


def test_a_bootstrap_is_of_no_use_for_a_gate_that_fails_its_baseline(desk: Desk) -> None:
    later = desk.about(verdict(row(baseline=50.0)))
    assert later.decide(later.sign(None)).outcome == "HOLD"


def test_a_bootstrap_of_a_verdict_is_void_once_a_baseline_is_given(desk: Desk) -> None:
    first = desk.about(verdict(without_baseline()))
    boot = first.sign(None)
    later = desk.about(verdict(row(baseline=50.0), baseline="sha256:" + "4" * 64))
    assert "it is about another verdict" in later.decide(boot).notes[0]


# What holds for every verdict.

RESULTS: list[Result] = ["pass", "fail", "unknown"]


@given(st.lists(st.sampled_from(RESULTS), max_size=5), st.sets(st.integers(0, 4)), st.booleans())
def test_a_run_is_let_out_only_if_every_gate_passes_or_is_overridden(results: list[Result], signed: set[int], complete: bool) -> None:
    rows: tuple[Row, ...] = tuple(row(f"m{index}", result) for index, result in enumerate(results))
    judged = verdict(*rows, reasons=() if complete else ("not complete",))
    case = Case(verdict=judged, gates=tuple(gate(found, "quality") for found in rows), policy=None, log=())
    standings = [_standing(rows[index]) for index in signed if index < len(rows)]
    found = decide(case, standings)
    assert found.ships == (complete and all(result == "pass" or index in signed for index, result in enumerate(results)))
    assert (found.outcome == "SHIP") == judged.ship
    assert set(found.overridden) <= {index for index, result in enumerate(results) if result != "pass" and index in signed}


@given(st.permutations(range(4)))
def test_the_order_in_which_people_sign_decides_nothing(order: list[int]) -> None:
    rows = (MMLU, SAFETY)
    case = Case(verdict=verdict(*rows), gates=tuple(gate(found, "quality") for found in rows), policy=None, log=())
    every = [_standing(found, person) for found, person in itertools.product(rows, ("Ada", "Grace"))]
    found = decide(case, [every[index] for index in order])
    assert {index: {one.person for one in signed} for index, signed in found.overridden.items()} == {
        0: {"Ada", "Grace"},
        1: {"Ada", "Grace"},
    }


@given(st.sampled_from(["expired", "forged"]))
def test_a_void_override_never_lets_anything_out(void: str) -> None:
    case = Case(verdict=verdict(MMLU), gates=(gate(MMLU, "quality"),), policy=None, log=())
    assert not decide(case, [attrs.evolve(_standing(MMLU), person=None, void=void)]).ships


def _standing(found: Row, person: str = "Ada") -> Standing:
    from pipeline_dsl.gates.override import Override

    nothing = dict.fromkeys(("pipeline", "plan", "verdict", "reviewer", "reason", "signed", "expires", "policy"), "")
    about = Override(**nothing, gate=found.gate, stage=found.stage, artifact=None, value=None, threshold=None, authors=(), log=None)
    return Standing(override=about, logged="", person=person)
