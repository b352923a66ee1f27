"""A definition digest says what a stage is: every identity field moves it, and nothing else does."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as some

from pipeline_dsl import H100, Artifact, Hardware, Llama, Pipeline, Ref, Stage, Workspace, execution, held_out
from pipeline_dsl.compiler.compile import derive
from pipeline_dsl.compiler.graph import build
from pipeline_dsl.compiler.load import Loaded
from tests.command import ROOT, pdsl


class Thing(Artifact):
    """Anything."""


class Make(Stage[Thing]):
    """A stage with a field of every kind."""

    count: int = 1
    rate: float = 0.5
    word: str = "a"
    flag: bool = False
    perhaps: int | None = None
    words: tuple[str, ...] = ()
    shares: dict[str, float] = attrs.field(factory=dict[str, float])
    model: Llama | None = None
    seed: int | None = None
    first: Ref[Thing] | None = None
    several: tuple[Ref[Thing], ...] = ()
    measured: Ref[Thing] | None = attrs.field(default=None, metadata=held_out().metadata)
    workers: int = execution(default=1)

    def run(self, work: Workspace) -> Thing:
        raise NotImplementedError


class Later(Make):
    """The same, after its code changed."""

    version = 2

    def run(self, work: Workspace) -> Thing:
        raise NotImplementedError


TEXT = some.text(some.characters(exclude_categories=("Cs",)), max_size=5)
NUMBERS = some.floats(allow_nan=False, allow_infinity=False)
MODELS = some.builds(
    Llama,
    hidden=some.integers(1, 99),
    layers=some.integers(1, 9),
    heads=some.just(2),
    kv_heads=some.just(1),
    ffn=some.just(8),
    vocabulary=some.integers(1, 999),
    context=some.just(8),
    tied=some.booleans(),
)
IDENTITY: dict[str, some.SearchStrategy[Any]] = {
    "count": some.integers(),
    "rate": NUMBERS,
    "word": TEXT,
    "flag": some.booleans(),
    "perhaps": some.none() | some.integers(),
    "words": some.lists(TEXT, max_size=3).map(tuple),
    "shares": some.dictionaries(TEXT, NUMBERS, max_size=3),
    "model": some.none() | MODELS,
    "seed": some.integers(),
}
EXECUTION: dict[str, some.SearchStrategy[Any]] = {
    "name": some.none() | some.from_regex(r"[a-z]{3,9}", fullmatch=True),
    "on": some.none() | some.builds(Hardware, device=some.just(H100), count=some.integers(1, 8)),
    "tier": some.sampled_from([None, "cheap", "medium", "expensive"]),
    "on_failure": some.sampled_from([None, "re-run", "retrain", "fall-back"]),
    "pin": some.sampled_from([None, "sha256:" + "0" * 64]),
    "workers": some.integers(1, 64),
}


def definitions(*targets: Stage[Any], seed: int = 0) -> list[str]:
    """The definition digest of each target."""
    pipeline = Pipeline(name="p", targets=targets, seed=seed)
    facts = derive(build(Loaded(pipeline, (), "p.py", ".")))
    assert facts.unspelled == ()
    return [facts.definitions[target] for target in targets]


def definition(stage: Stage[Any], *, seed: int = 0) -> str:
    """The definition digest of a stage."""
    return definitions(stage, seed=seed)[0]


@given(some.fixed_dictionaries(IDENTITY), some.sampled_from(sorted(IDENTITY)), some.data())
def test_a_definition_moves_with_every_identity_field(fields: dict[str, Any], name: str, data: some.DataObject) -> None:
    other = data.draw(IDENTITY[name])
    alike = json.dumps(attrs.asdict(Make(**{name: other}))[name]) == json.dumps(attrs.asdict(Make(**{name: fields[name]}))[name])
    alike = alike or (name == "shares" and sorted(map(repr, other.items())) == sorted(map(repr, fields[name].items())))

    assert (definition(Make(**fields)) == definition(Make(**{**fields, name: other}))) == alike


@given(some.fixed_dictionaries(IDENTITY), some.fixed_dictionaries(EXECUTION))
def test_a_definition_ignores_where_and_how_fast_a_stage_runs(fields: dict[str, Any], place: dict[str, Any]) -> None:
    assert definition(Make(**fields, **place)) == definition(Make(**fields))


def test_every_field_of_that_stage_is_tried() -> None:
    inputs = {"first", "several", "measured"}

    assert {field.name for field in attrs.fields(Make)} == IDENTITY.keys() | EXECUTION.keys() | inputs


def diamond(order: Sequence[int], change: int = -1) -> dict[int, Stage[Any]]:
    """0 and 1 are read by 2, which is read by 3 and 4; declared in any order that keeps producers first, one of them changed."""
    reads = {0: (), 1: (), 2: (0, 1), 3: (2,), 4: (2, 0)}
    made: dict[int, Stage[Any]] = {}
    while len(made) < len(reads):
        for number in order:
            if number not in made and all(parent in made for parent in reads[number]):
                made[number] = Make(count=number, several=tuple(made[parent] for parent in reads[number]), flag=number == change)
    return made


@given(some.permutations(range(5)))
def test_a_definition_ignores_the_order_of_declarations(order: list[int]) -> None:
    expected = definitions(*(stage for _, stage in sorted(diamond(range(5)).items())))

    assert definitions(*(stage for _, stage in sorted(diamond(order).items()))) == expected


@pytest.mark.parametrize(("changed", "moved"), [(0, {0, 2, 3, 4}), (1, {1, 2, 3, 4}), (2, {2, 3, 4}), (3, {3}), (4, {4})])
def test_a_change_moves_what_depends_on_it_and_nothing_else(changed: int, moved: set[int]) -> None:
    before = definitions(*(stage for _, stage in sorted(diamond(range(5)).items())))
    after = definitions(*(stage for _, stage in sorted(diamond(range(5), changed).items())))

    assert {number for number in range(5) if before[number] != after[number]} == moved


def test_a_definition_depends_on_which_input_a_stage_is_given_to() -> None:
    part = Make()
    stages = [Make(first=part), Make(several=(part,)), Make(measured=part), Make(several=(part, part)), Make()]

    assert len(set(definitions(*stages))) == len(stages)


def test_a_definition_depends_on_the_order_of_several_inputs() -> None:
    one, other = Make(count=1), Make(count=2)

    assert definition(Make(several=(one, other))) != definition(Make(several=(other, one)))


def test_a_definition_depends_on_the_type_and_its_version() -> None:
    class_of_the_same_name = type("Make", (Make,), {"__module__": "elsewhere"})

    assert len({definition(Make()), definition(Later()), definition(class_of_the_same_name())}) == 3


def test_the_pipelines_seed_is_taken_by_a_stage_without_one() -> None:
    assert definition(Make(), seed=5) == definition(Make(seed=5), seed=6)
    assert definition(Make(), seed=5) != definition(Make(), seed=6)


def test_a_list_is_as_good_as_a_tuple() -> None:
    part = Make()

    assert definition(Make(words=["a"], several=[part])) == definition(Make(words=("a",), several=(part,)))  # type: ignore[arg-type]


def test_plans_are_the_same_in_every_process(tmp_path: Path) -> None:
    texts: set[str] = set()
    for seed in (0, 4_000_000_000):
        out = tmp_path / f"{seed}.json"
        result = pdsl("plan", ROOT / "tests/good/several_inputs.py", "--out", out, cwd=tmp_path, PYTHONHASHSEED=str(seed))
        assert result.returncode == 0, result.stdout + result.stderr
        texts.add(out.read_text())

    assert len(texts) == 1


def test_two_stages_that_are_declared_alike_have_one_definition_and_are_two() -> None:
    one, other = Make(), Make()

    assert len(set(definitions(one, other))) == 1
    assert len({one, other}) == 2


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations([0, 0.0, False, "0", None, -0.0], 2)))
def test_values_that_look_alike_are_told_apart(one: object, other: object) -> None:
    assert definition(Make(perhaps=one)) != definition(Make(perhaps=other))  # pyright: ignore[reportArgumentType]
