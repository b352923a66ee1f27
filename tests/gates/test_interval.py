"""What a score leaves open."""

import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.gates.interval import interval
from pipeline_dsl.lang.measure import Score


def test_a_measured_error_gives_the_normal_interval() -> None:
    assert interval(Score(value=50.0, samples=100, stderr=2.0), "percent") == pytest.approx((46.08, 53.92), abs=0.01)


def test_a_share_without_an_error_has_its_binomial_one() -> None:
    assert interval(Score(value=0.1, samples=100), "fraction") == pytest.approx((0.0412, 0.1588), abs=1e-4)


@pytest.mark.parametrize(("value", "expected"), [(0.0, (0.0, 13.72)), (100.0, (86.28, 100.0))])
def test_none_of_twenty_five_is_not_certain(value: float, expected: tuple[float, float]) -> None:
    """Clopper and Pearson: 1 - 0.025^(1/25)."""
    assert interval(Score(value=value, samples=25, stderr=0.0), "percent") == pytest.approx(expected, abs=0.01)


def test_an_error_of_nothing_within_the_scale_is_not_believed() -> None:
    assert interval(Score(value=86.0, samples=307, stderr=0.0), "percent") == pytest.approx((82.12, 89.88), abs=0.01)


@pytest.mark.parametrize(
    ("score", "unit"), [(Score(value=3.0), "nats"), (Score(value=12.0, samples=5), "usd"), (Score(value=-1.0, samples=50), "percent")]
)
def test_what_is_no_share_and_has_no_error_has_no_interval(score: Score, unit: str) -> None:
    assert interval(score, unit) is None


@given(st.floats(0, 100), st.integers(2, 10_000))
def test_the_interval_of_a_share_stays_within_its_scale(value: float, samples: int) -> None:
    found = interval(Score(value=value, samples=samples), "percent")

    assert found is not None
    assert 0 <= found[0] <= value <= found[1] <= 100


@pytest.mark.parametrize("value", [0.5, -0.5])
def test_a_difference_may_be_of_either_sign(value: float) -> None:
    """A change of accuracy is given in percent too."""
    assert interval(Score(value=value, samples=400, stderr=0.47), "percent") == pytest.approx((value - 0.9212, value + 0.9212), abs=1e-3)
    if value < 0:
        assert interval(Score(value=value, samples=400, stderr=0.0), "percent") == (value, value)
