"""The one way a value is spelled as bytes: equal for equal values, in every process; refused where there is none."""

import json
import math
import sys
from collections.abc import Callable
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as some

from pipeline_dsl.base.canonical import TAG, NotCanonical, canonical, plain
from tests.command import run

TEXT = some.text(some.characters(exclude_categories=("Cs",)))
ATOMS = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = some.recursive(ATOMS, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXT, inner, max_size=4), max_leaves=12)


class Colour(Enum):
    RED = "red"


class Word(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@attrs.frozen
class Point:
    x: object
    y: object = 0


@attrs.frozen
class Place:
    x: object
    y: object = 0


REFUSED: dict[str, Callable[[], object]] = {
    "NaN": lambda: math.nan,
    "infinity": lambda: math.inf,
    "minus infinity": lambda: -math.inf,
    "a function": lambda: test_a_tuple_is_spelled_as_a_list,
    "a class": lambda: Point,
    "an object that prints its address": object,
    "a set": lambda: {1},
    "a frozen set": lambda: frozenset({1}),
    "bytes": lambda: b"1",
    "a path": lambda: Path("data"),
    "a complex number": lambda: 1j,
    "a range": lambda: range(3),
    "an iterator": lambda: iter(()),
    "an ellipsis": lambda: ...,
    "an open file": lambda: sys.stdin,
    "half a surrogate pair": lambda: "\ud800",
    "half a pair in a key": lambda: {"\udfff": 1},
    "a mapping by numbers": lambda: {1: "one"},
    "a mapping by nothing": lambda: {None: 1},
}


@given(VALUES)
def test_a_value_that_is_read_back_has_the_same_bytes(value: Any) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(VALUES, VALUES)
def test_values_have_the_same_bytes_only_if_they_are_the_same(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (repr(plain(one)) == repr(plain(other)) or same(plain(one), plain(other)))


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from 1.0 and from True, and -0.0 from 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))  # pyright: ignore[reportUnknownArgumentType]
    return repr(one) == repr(other)


@given(some.dictionaries(TEXT, ATOMS, max_size=6), some.randoms(use_true_random=False))
def test_the_order_of_a_mapping_does_not_count(value: dict[str, Any], chance: Any) -> None:
    keys = list(value)
    chance.shuffle(keys)

    assert canonical({key: value[key] for key in keys}) == canonical(value)


@given(some.lists(some.integers(), min_size=2, unique=True))
def test_the_order_of_a_list_does_count(value: list[int]) -> None:
    assert canonical(value) != canonical(value[::-1])


@given(some.sampled_from(sorted(REFUSED)), some.sampled_from(["bare", "list", "mapping", "field", "deep"]))
def test_what_has_no_fixed_spelling_is_refused_wherever_it_lies(what: str, where: str) -> None:
    value = REFUSED[what]()
    wrapped = {"bare": value, "list": [1, value], "mapping": {"a": value}, "field": Point(value), "deep": [{"a": (Point(1, [value]),)}]}

    with pytest.raises(NotCanonical):
        canonical(wrapped[where])


def test_a_refusal_says_where_the_value_lies() -> None:
    with pytest.raises(NotCanonical, match=r"a\.x\[1\]\.b: nan is not a finite number"):
        canonical({"a": Point([0, {"b": math.nan}])})


def test_a_tuple_is_spelled_as_a_list() -> None:
    assert canonical((1, (2,))) == canonical([1, [2]])


@pytest.mark.parametrize(("value", "spelled"), [(Colour.RED, b'"red"'), (Word.RED, b'"red"'), (Level.HIGH, b"3")])
def test_an_enumeration_is_spelled_as_its_value(value: Enum, spelled: bytes) -> None:
    assert canonical(value) == spelled


def test_classes_with_the_same_fields_are_told_apart() -> None:
    assert canonical(Point(1)) != canonical(Place(1))
    assert json.loads(canonical(Point(1))) == {TAG: "Point", "x": 1, "y": 0}


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (0, False), (0.0, -0.0), ("1", 1), (None, "null"), ([], {})])
def test_values_that_python_may_call_equal_are_told_apart(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_text_is_spelled_as_utf_8_and_not_escaped() -> None:
    assert canonical("源氏 😀") == '"源氏 😀"'.encode()


def test_the_bytes_are_the_same_in_every_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pipeline_dsl import Llama; from pipeline_dsl.base.canonical import canonical\n"
        "model = Llama(hidden=64, layers=2, heads=2, kv_heads=1, ffn=128, vocabulary=300, context=32)\n"
        "sys.stdout.buffer.write(canonical({word: model for word in 'the quick brown fox jumps'.split()}))"
    )
    spelled = {run([sys.executable, "-c", code], cwd=tmp_path, PYTHONHASHSEED=str(seed)).stdout for seed in (0, 1, 2**32 - 1)}

    assert len(spelled) == 1
    assert spelled.pop().startswith('{"brown":{"$type":"Llama",')
