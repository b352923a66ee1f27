"""A program calls an answer right if it gives what was asked for, however it is written."""

import pytest

from pipeline_dsl import Verify

NUMBER = Verify(pattern=r"(-?[\d,]*\.?\d+)")


@pytest.mark.parametrize(
    ("said", "answer"),
    [("So it is 18.", "18"), ("7 of 9, so 1,000.0", "1000"), ("-3", "-3"), ("the answer is 0.50", "0.5"), ("12 and 18", "18")],
)
def test_the_last_number_is_compared_as_a_number(said: str, answer: str) -> None:
    assert NUMBER.reward(said, answer) == 1.0


@pytest.mark.parametrize(("said", "answer"), [("18 and 12", "18"), ("eighteen", "18"), ("", "18"), ("1.80", "18")])
def test_another_number_or_none_is_not_rewarded(said: str, answer: str) -> None:
    assert NUMBER.reward(said, answer) == 0.0


def test_words_are_compared_trimmed_and_without_regard_to_case() -> None:
    assert Verify().reward(" Red\n", "red") == 1.0
    assert Verify().reward("Red or green", "red") == 0.0


def test_the_whole_answer_may_have_several_lines() -> None:
    assert Verify().reward("def f():\n    return 1", "def f():\n    return 1") == 1.0


def test_words_that_decimal_reads_as_no_finite_number_are_words() -> None:
    assert Verify().reward("NaN", "nan") == 1.0
    assert Verify().reward("infinity", "inf") == 0.0
