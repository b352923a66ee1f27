"""Slices of one data set are known to share rows only where their bounds can be compared."""

import pytest

from pipeline_dsl.compiler.slices import overlap


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train", "train"),
        ("train", "train[:1000]"),
        ("train[:90%]", "train[10%:]"),
        ("train[100:]", "train[:101]"),
        ("train[-100:]", "train[-100:]"),
        ("train+validation", "validation[:10]"),
        (" train[ 5 : ]", "train[:6]"),
    ],
)
def test_slices_that_share_rows(one: str, other: str) -> None:
    assert overlap(one, other)
    assert overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train", "validation"),
        ("train[:90%]", "train[90%:]"),
        ("train[:100]", "train[100:]"),
        ("train[:-100]", "train[-100:]"),
        ("train[:90%]", "train[10:]"),
        ("train", "whatever [it] says"),
        ("", "train"),
    ],
)
def test_slices_that_do_not_or_may_not(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert not overlap(other, one)
