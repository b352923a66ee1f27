"""Who may ask, and how often."""

import pytest

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.serving.keys import Keys, RateLimit
from pipeline_dsl.serving.refusal import Refusal

ONE, OTHER = "one-key-of-this-server", "another-key-of-this-server"


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_key_of_the_variable_opens_and_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEYS", f"{ONE}, {OTHER}\n")
    keys = Keys.of_variable("SOME_KEYS")

    assert [keys.owner(f"Bearer {key}") for key in (ONE, OTHER)] == [0, 1]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", f"Basic {ONE}", ONE, f"Bearer {ONE}x", f"Bearer {ONE[:-1]}", f"Bearer {ONE} {OTHER}"]
)
def test_anything_but_a_whole_key_is_refused(header: str | None) -> None:
    with pytest.raises(Refusal) as refusal:
        Keys([ONE, OTHER]).owner(header)

    assert refusal.value.status == 401
    assert refusal.value.headers == {"WWW-Authenticate": "Bearer"}


def test_a_key_is_not_kept() -> None:
    assert ONE not in repr(vars(Keys([ONE])))


def test_a_variable_that_is_not_set_is_named_with_a_way_to_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEYS", raising=False)

    with pytest.raises(Usage, match="`SOME_KEYS` holds no API key") as fault:
        Keys.of_variable("SOME_KEYS")

    assert "export SOME_KEYS=" in fault.value.help


def test_a_short_key_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEYS", f"{ONE} hunter2")

    with pytest.raises(Usage, match="fewer than 16 characters") as fault:
        Keys.of_variable("SOME_KEYS")

    assert "hunter2" not in str(fault.value)


def test_a_burst_may_be_as_large_as_a_minute_and_no_larger() -> None:
    rate = RateLimit(3, Clock())

    for _ in range(3):
        rate.take(0)
    with pytest.raises(Refusal) as refusal:
        rate.take(0)

    assert refusal.value.status == 429
    assert refusal.value.headers["Retry-After"] == "21"


def test_permissions_come_back_with_time_and_for_each_key_alone() -> None:
    clock = Clock()
    rate = RateLimit(60, clock)
    for _ in range(60):
        rate.take(0)

    rate.take(1)
    clock.now += 1.01
    rate.take(0)

    with pytest.raises(Refusal):
        rate.take(0)
