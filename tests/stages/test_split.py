"""The three parts of a corpus are disjoint, whole, stable, and never split a group."""

from pathlib import Path

import attrs
import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.lang.artifacts import Corpus
from pipeline_dsl.lang.size import Size, Sizes
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.stages import Split
from pipeline_dsl.stages.split import Part
from tests.stages.prose import corpus, records, texts
from tests.stages.workbench import Workbench, declared, messages, revived

PARTS: tuple[Part, ...] = ("train", "validation", "test")
NOTHING: Ref[Corpus] = Ref()

fractions = st.tuples(st.integers(1, 98), st.integers(1, 98)).map(
    lambda pair: (pair[0] / 200, pair[1] / 200, 1 - pair[0] / 200 - pair[1] / 200)
)


def part(given: Ref[Corpus], which: Part, salt: str = "pdsl") -> Split:
    return Split(corpus=given, part=which, salt=salt)


def test_the_parts_are_disjoint_and_make_up_the_whole(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    whole = corpus(bench, *(f"text number {number}" for number in range(300)))
    stages = [part(whole, which) for which in PARTS]
    for stage in stages:
        bench.run(stage)

    found = [text for stage in stages for text in texts(bench, stage)]
    assert sorted(found) == sorted(texts(bench, whole))


def test_the_parts_have_about_the_shares_that_were_declared(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    whole = corpus(bench, *(f"text number {number}" for number in range(2000)))

    sizes = [bench.run(part(whole, which)).documents for which in PARTS]

    assert sizes == [pytest.approx(1200, abs=90), pytest.approx(400, abs=75), pytest.approx(400, abs=75)]


def test_all_of_a_group_lies_in_one_part(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    names = tuple(f"address {number % 40}" for number in range(400))
    whole = corpus(bench, *(f"piece {number}" for number in range(400)), groups=names)
    stages = [part(whole, which) for which in PARTS]
    for stage in stages:
        bench.run(stage)

    groups = [{str(record["group"]) for record in records(bench, stage)} for stage in stages]
    assert sum(map(len, groups)) == len(set[str]().union(*groups)) == 40


@given(st.text(), fractions)
def test_a_group_is_in_one_part_only_whatever_the_shares(group: str, shares: tuple[float, float, float]) -> None:
    train, validation, test = shares
    stages = [Split(corpus=NOTHING, part=which, train=train, validation=validation, test=test) for which in PARTS]

    assert len({stage.assigned(group.encode("utf-8", "replace").decode()) for stage in stages}) == 1


@given(st.integers(0, 10**9), st.floats(0.3, 0.6))
def test_a_larger_share_of_training_never_moves_a_training_document_out(number: int, train: float) -> None:
    small = Split(corpus=NOTHING, part="train", train=train, validation=(1 - train) / 2, test=(1 - train) / 2)
    large = attrs.evolve(small, train=train + 0.1)

    assert small.assigned(str(number)) != "train" or large.assigned(str(number)) == "train"


def test_another_salt_is_another_split(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    whole = corpus(bench, *(f"text number {number}" for number in range(100)))
    one, other = part(whole, "test"), part(whole, "test", salt="again")
    bench.run(one)
    bench.run(other)

    assert texts(bench, one) != texts(bench, other)


def test_a_new_seed_moves_nothing(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    whole = corpus(bench, *(f"text number {number}" for number in range(100)))
    one, other = part(whole, "test"), part(whole, "test")
    bench.run(one, seed=1)
    bench.run(other, seed=2)

    assert bench.files(one) == bench.files(other)


def test_what_is_held_out_is_evaluation_data() -> None:
    assert [part(NOTHING, which).holds_evaluation_data() for which in PARTS] == [False, True, True]


def test_shares_that_do_not_add_up_are_a_problem() -> None:
    assert "add up to 0.9" in messages(Split(corpus=NOTHING, part="train", train=0.5))


def test_shares_that_add_up_but_for_rounding_are_none() -> None:
    assert messages(Split(corpus=NOTHING, part="train", train=0.7, validation=0.2, test=0.1)) == ""


def test_a_part_without_a_share_is_a_problem() -> None:
    assert "share of 0" in messages(Split(corpus=NOTHING, part="test", train=0.8, validation=0.2, test=0.0))


def test_a_part_that_gets_no_document_is_a_failure(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    whole = corpus(bench, "only one")
    there = part(whole, "train").assigned(records(bench, whole)[0]["id"])

    with pytest.raises(StageFailed, match="no document is left"):
        bench.run(part(whole, next(which for which in PARTS if which != there)))


def test_the_tokens_that_a_part_will_have_follow_from_its_share() -> None:
    known = Sizes({NOTHING: Size(tokens=Tokens(1000))})

    assert part(NOTHING, "validation").size(known).tokens == 200


def test_counts_and_licences_travel_on(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    whole = corpus(bench, *(f"text {number}" for number in range(50)), counts={"deduplicate.near": 3})

    meta = bench.run(part(whole, "train"))

    assert meta.counts == {"deduplicate.near": 3, "split.left_out": 50 - meta.documents}
    assert meta.licences == ("CC0-1.0",)


def test_a_declaration_survives_the_plan() -> None:
    assert revived(part(NOTHING, "test")) == declared(part(NOTHING, "test"))
