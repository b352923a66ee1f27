"""What a field's annotation says is held against its value, down to the innermost one; nothing written there breaks the compiler."""

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal
from unittest.mock import patch

import attrs
import pytest
from hypothesis import example, given, strategies as some

from pipeline_dsl import (
    H100,
    Budget,
    Corpus,
    Count,
    Fraction,
    Hardware,
    Llama,
    NonNegative,
    Pipeline,
    Ref,
    Release,
    Stage,
    Workspace,
    baseline,
    execution,
    metric,
)
from pipeline_dsl.compiler import compile as compiler
from pipeline_dsl.compiler.load import Loaded
from pipeline_dsl.compiler.values import Misfit, sound, walk


@attrs.frozen
class Rule:
    """A value with values in it."""

    least: Count = 1
    kind: Literal["soft", "hard"] = "soft"


class Made(Stage[Corpus]):
    """A stage with fields of many kinds."""

    count: Count = 1
    share: Fraction | None = None
    word: Literal["a", "b"] = "a"
    words: tuple[str, ...] = ()
    pair: tuple[float, float] = (0.1, 0.9)
    rules: tuple[Rule, ...] = ()
    shares: Mapping[str, NonNegative] = attrs.field(factory=dict[str, float])
    anything: Any = None
    first: Ref[Corpus] | None = None
    several: tuple[Ref[Corpus], ...] = ()
    workers: int = execution(default=1)
    seed: int | None = None

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (int, 5, None),
        (int, True, ("type", "", "is int, not bool")),
        (int, 5.0, ("type", "", "is int, not float")),
        (float, 5, None),
        (float, "5", ("type", "", "is float, not str")),
        (bool, 1, ("type", "", "is bool, not int")),
        (str | None, None, None),
        (str | None, 5, ("type", "", "is str or None, not int")),
        (Count, 0, ("range", "", "is 0; it must be at least 1")),
        (Count | None, 0, ("range", "", "is 0; it must be at least 1")),
        (Fraction, math.nan, ("range", "", "is nan; it must be at least 0 and at most 1")),
        (int, 2**63, ("range", "", "is 9.22337e+18, which 64 bits do not hold")),
        (int, 10**400, ("range", "", "is a whole number of more than 300 digits, which 64 bits do not hold")),
        (Literal["a", "b"], "c", ("range", "", "is 'c'; it is one of 'a', 'b'")),
        (Literal["a", "b"] | None, "c", ("range", "", "is 'c'; it is one of 'a', 'b'")),
        (Literal[1, 2], True, ("range", "", "is True; it is one of 1, 2")),
        (tuple[str, ...], ("a", 5), ("type", "[1]", "is str, not int")),
        (tuple[str, ...], ["a"], None),
        (tuple[str, ...], "a", ("type", "", "is tuple, not str")),
        (Sequence[str], "a", ("type", "", "is Sequence, not str")),
        (tuple[int, str], (1,), ("type", "", "holds 2 values, not 1")),
        (tuple[Count, ...] | None, (1, 0), ("range", "[1]", "is 0; it must be at least 1")),
        (Mapping[str, tuple[int, ...]], {"a": (1, "b")}, ("type", "['a'][1]", "is int, not str")),
        (tuple[Rule, ...], (Rule(), Rule(least=0)), ("range", "[1].least", "is 0; it must be at least 1")),
        (Rule | None, Rule(kind="loud"), ("range", ".kind", "is 'loud'; it is one of 'soft', 'hard'")),  # type: ignore[arg-type]
        (Hardware, Hardware(device="H100"), ("type", ".device", "is Device, not str")),  # type: ignore[arg-type]
        (Any, object(), None),
        (Any, [{"a": Made()}], ("type", "[0]['a']", "holds a stage, which nothing would know of")),
    ],
)
def test_a_misfit_is_told_with_its_place(hint: Any, value: object, expected: tuple[str, str, str] | None) -> None:
    found = [(misfit.kind, misfit.path, misfit.text) for misfit in walk(value, hint)]

    assert found == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("hint", "value", "help"),
    [
        (int, "64", "write 64 without quotes"),
        (float, "1e-3", "write 0.001 without quotes"),
        (int, 1e6, "write 1_000_000"),
        (int, "many", ""),
        (tuple[str, ...], "a", "write ('a',), with a comma"),
        (Llama | None, 5, "write Llama(...)"),
        (Literal["train", "test"], "tset", "did you mean 'test'?"),
    ],
)
def test_help_says_what_to_write(hint: Any, value: object, help: str) -> None:
    assert [misfit.help for misfit in walk(value, hint)] == [help]


def test_a_value_that_holds_itself_is_told_so() -> None:
    inside: list[object] = []
    inside.append(inside)

    assert [misfit.text for _, misfit in compiler_misfits(Made(anything=inside))] == ["is nested too deeply, or holds itself"]


def compiler_misfits(stage: Stage[Any]) -> list[tuple[str, Misfit]]:
    """The misfits of a stage's types, by field."""
    from pipeline_dsl.compiler.values import misfits

    return [(field.name, misfit) for field, misfit in misfits(stage, "type")]


def test_a_stage_is_sound_if_all_its_values_fit() -> None:
    assert sound(Made(rules=(Rule(),), shares={"a": 1}, share=0.5))
    assert not sound(Made(rules=(Rule(least=0),)))


MADE = Made()
ODD: list[Any] = [
    *(None, True, 0, -1, 1, 2**63, 10**400, 0.5, -0.0, math.nan, math.inf, 1e308, 1j, "", "a", "\ud800", "\x1b[2J", "é" * 99, b"a"),
    *((), [], {}, set[int](), frozenset[int](), object(), ..., int, Made, len, baseline, Rule(), Rule(least=-1), H100, Budget(), MADE),
    *(metric("mmlu"), Release(manifest="x"), Hardware(device=H100), Ref[Corpus](), Budget(usd=math.nan)),
]
VALUES: some.SearchStrategy[Any] = some.recursive(
    some.sampled_from(ODD),
    lambda inner: some.lists(inner, max_size=3) | some.tuples(inner) | some.dictionaries(some.sampled_from(["a", 1]), inner, max_size=2),
)
GATES = some.sampled_from([metric("cost_total_usd") <= 5, metric("mmlu") >= baseline, metric("a", of=MADE) >= 1]) | VALUES
STAGE_FIELDS = [field.name for field in attrs.fields(Made)]
PIPELINE_FIELDS = ["name", "version", "seed", "ships", "baseline", "budget", "on"]


FIELDS = some.dictionaries(some.sampled_from(STAGE_FIELDS), VALUES, max_size=3)


@example(fields={"anything": {1: "a key that is no text"}}, more={}, gate=metric("cost_total_usd") <= 5)
@given(FIELDS, some.dictionaries(some.sampled_from(PIPELINE_FIELDS), VALUES, max_size=3), GATES)
def test_whatever_is_written_gives_a_plan_or_findings(fields: dict[str, Any], more: dict[str, Any], gate: object) -> None:
    """Never an exception; and a plan, if there is one, comes back from its own file."""
    written: dict[str, Any] = {"name": "p", "targets": [Made(**fields), MADE], "gates": [gate], **more}
    pipeline = Pipeline(**written)
    with patch.object(compiler, "load", lambda target: Loaded(pipeline, (), __file__, ".")):  # type: ignore[misc]
        found = compiler.compile_target("p.py")

    assert found.plan is not None or found.diagnostics


@given(FIELDS)
def test_a_plan_of_whatever_was_written_comes_back_from_its_file(fields: dict[str, Any]) -> None:
    from pipeline_dsl.plan import plan as plans

    pipeline = Pipeline(name="p", targets=[Made(**fields)])
    with patch.object(compiler, "load", lambda target: Loaded(pipeline, (), __file__, ".")):  # type: ignore[misc]
        plan = compiler.compile_target("p.py").plan

    assert plan is None or plans.parse(plans.dump(plan), where="p.json") == plan


@pytest.mark.parametrize(
    ("value", "hint", "advice"),
    [
        ((1e-5,), float, "write 1e-05: a comma makes a tuple, also at the end of a line"),
        (Rule(), tuple[Rule, ...], "write (...,), with a comma, if there is only one"),
        (PurePosixPath("data"), str, "write `str(...)` around it"),
        ((1e-5, 2e-5), float, ""),
        (None, tuple[Rule, ...], ""),
    ],
)
def test_a_slip_of_python_comes_with_what_to_write_instead(value: object, hint: Any, advice: str) -> None:
    assert [misfit.help for misfit in walk(value, hint)] == [advice]
