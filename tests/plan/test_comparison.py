"""Two pipelines, compared: what is the same stage, what changed about it, and what that invalidates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.plan.comparison import Comparison, Moved, Outline, Sketch, compare, moved, outline
from pipeline_dsl.plan.plan import definition, reshape
from tests.runner.bench import Bench

networkx: Any = nx  # whose types say less than it does

BASE = """
data = Step(label='data')
train = Step(label='train', reads=(data,))
held = Step(label='held', reads=(data,))
model = Step(label='model', reads=(train,), steps=7)
old = Exam(model=train, mmlu=40.0)
new = Exam(model=model, mmlu=50.0)
pipeline = Pipeline(name='base', targets=[new, held, old], ships=model, baseline=old, gates=[
    metric('mmlu', of=new) >= baseline + 0.5, metric('safety_violation_rate', of=new) <= 0.05, metric('cost_total_usd') <= 10,
    metric('wall_clock_total_seconds') <= 9], budget=Budget(usd=20))
"""


def compared(folder: Path, *changes: tuple[str, str], text: str = BASE) -> Comparison:
    after = text
    for old, new in changes:
        assert old in after, old
        after = after.replace(old, new)
    bench = Bench(folder)
    return compare(outline(bench.plan(text)), outline(bench.plan(after)))


def fates(found: Comparison) -> dict[str, str]:
    return {pair.new.name: pair.fate for pair in found.pairs if pair.new and pair.fate != "same"}


def test_a_pipeline_is_the_same_as_itself(tmp_path: Path) -> None:
    found = compared(tmp_path)

    assert found.same
    assert found.invalid == ()


def test_a_changed_field_is_named_and_all_below_it_is_invalid_because_of_it(tmp_path: Path) -> None:
    found = compared(tmp_path, ("label='train'", "label='other'"))

    changed = next(pair for pair in found.pairs if pair.fate == "changed")
    assert changed.new is not None
    assert changed.new.fields["label"] == "other"
    assert changed.fields == (Moved(field="label", old="train", new="other"),)
    below = [pair for pair in found.pairs if pair.fate == "descendant"]
    assert [pair.new.type.rpartition(":")[2] for pair in below if pair.new] == ["Step", "Exam", "Exam"]
    assert {pair.because for pair in below} == {(changed.new.name,)}
    assert all(not pair.fields for pair in below)


def test_a_stage_in_front_moves_numbers_and_changes_nothing(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        ("data = Step", "first = Step(label='first')\ndata = Step"),
        ("targets=[new, held, old]", "targets=[first, new, held, old]"),
    )

    assert [pair.fate for pair in found.pairs if pair.fate != "same"] == ["added"]
    assert not any(pair.renamed for pair in found.pairs)
    assert (found.facts, found.gates) == ((), ())


def test_a_stage_in_front_and_a_change_below_it_are_told_apart(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        ("data = Step", "first = Step(label='first')\ndata = Step"),
        ("targets=[new, held, old]", "targets=[first, new, held, old]"),
        ("steps=7", "steps=8"),
    )

    (changed,) = [pair for pair in found.pairs if pair.fate == "changed"]
    assert changed.fields == (Moved(field="steps", old=7, new=8),)
    assert [pair.because for pair in found.pairs if pair.fate == "descendant"] == [(changed.new.name if changed.new else "",)]


def test_a_new_name_of_the_same_definition_is_a_rename_and_runs_nothing(tmp_path: Path) -> None:
    text = BASE.replace("label='model'", "name='model', label='model'")
    found = compared(tmp_path, ("name='model'", "name='policy'"), text=text)

    (renamed,) = [pair for pair in found.pairs if pair.renamed]
    assert (renamed.old and renamed.old.name, renamed.new and renamed.new.name, renamed.fate) == ("model", "policy", "same")
    assert found.invalid == ()
    assert found.facts == ()  # it still ships the same stage


def test_a_removed_stage_is_named_and_its_readers_are_changed(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        ("reads=(train,), steps=7", "reads=(data,), steps=7"),
        ("model=train", "model=data"),
        ("train = Step(label='train', reads=(data,))\n", ""),
    )

    assert [pair.old.fields["label"] for pair in found.pairs if pair.new is None and pair.old] == ["train"]
    (model,) = [pair for pair in found.pairs if pair.new and pair.new.fields.get("label") == "model"]
    assert (model.fate, [move.field for move in model.fields]) == ("changed", ["reads[0]"])


def test_what_only_says_where_it_runs_is_told_and_invalidates_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, ("label='model'", "label='model', tier='medium', on=Hardware(device=H100, count=8)"))

    (pair,) = [pair for pair in found.pairs if pair.execution]
    assert {"device", "devices", "hourly_usd", "tier", "on_failure"} <= {move.field for move in pair.execution}
    assert found.invalid == ()
    assert not found.same


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("baseline + 0.5", "baseline - 5"), ("mmlu", "changed", "looser")),
        (("baseline + 0.5", "baseline + 1"), ("mmlu", "changed", "")),
        (("usd') <= 10", "usd') <= 12"), ("cost_total_usd", "changed", "looser")),
        (("metric('wall_clock_total_seconds') <= 9", ""), ("wall_clock_total_seconds", "removed", "gone")),
    ],
)
def test_a_gate_that_moved_is_told_and_whether_it_lets_more_through(
    tmp_path: Path, change: tuple[str, str], expected: tuple[str, str, str]
) -> None:
    found = compared(tmp_path, change)

    assert [(gate.field, gate.kind, gate.note) for gate in found.gates] == [expected]
    assert found.invalid == ()


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (("name='base'", "name='base', seed=7"), Moved(field="seed", old=0, new=7)),
        (("usd=20", "usd=30"), Moved(field="budget_usd", old=20.0, new=30.0)),
        (("baseline=old", "baseline=Release(manifest='r.yaml'), version='0.1.0'"), Moved(field="baseline.manifest", new="r.yaml")),
    ],
)
def test_what_is_declared_of_the_whole_is_compared(tmp_path: Path, change: tuple[str, str], fact: Moved) -> None:
    found = compared(tmp_path, change).facts

    assert (fact.field, fact.new) in [(move.field, move.new) for move in found]


def test_a_seed_that_a_stage_takes_from_the_pipeline_invalidates_it() -> None:
    one = sketch("a", {"seed": 1})

    assert fates(compare(whole(one), whole(sketch("a", {"seed": 2})))) == {"a": "changed"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, [("a", "changed")]),
        ({"a": True}, {"a": 1}, [("a", "changed")]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("a.b[1]", "changed")]),
        ({"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 0}, {"n": 1}, {"n": 2}]}, [("a[]", "added")]),
        ({"a": None}, {}, [("a", "removed")]),
        ({}, {"a": None}, [("a", "added")]),
        ({"a": {"x": 1}}, {"a": [1]}, [("a", "changed")]),
    ],
)
def test_a_nested_value_is_compared_as_deep_as_it_has_one_shape(old: Any, new: Any, expected: list[tuple[str, str]]) -> None:
    assert [(move.field, move.kind) for move in moved(old, new)] == expected


# Laws, on any graphs.


def sketch(name: str, fields: Mapping[str, Any], kind: str = "t:T", inputs: Mapping[str, Any] | None = None, of: str = "") -> Sketch:
    return Sketch(name=name, type=kind, version=1, fields=fields, inputs=inputs or {}, definition=of or definition(kind, 1, fields, {}))


def whole(*stages: Sketch) -> Outline:
    return Outline(facts={}, gates=(), stages=stages)


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, int, list[int]]]:
    """(type, value, the numbers of the stages that it reads) of each of up to nine stages; many are alike."""
    stages: list[tuple[str, int, list[int]]] = []
    for number in range(draw(st.integers(1, 9))):
        reads = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=2)) if number else []
        stages.append((draw(st.sampled_from(["t:A", "t:B"])), draw(st.integers(0, 2)), reads))
    return stages


def sketches(graph: list[tuple[str, int, list[int]]], *, shift: int = 0) -> Outline:
    made: list[Sketch] = []
    for number, (kind, value, reads) in enumerate(graph):
        inputs = {"reads": [made[parent].name for parent in reads]}
        known = {stage.name: stage.definition for stage in made}
        of = definition(kind, 1, {"value": value}, {"reads": reshape(inputs["reads"], known)})
        made.append(sketch(f"{number + shift:02}_{kind[-1].lower()}", {"value": value}, kind, inputs, of))
    return whole(*made)


@given(graphs(), st.integers(0, 3))
def test_numbers_in_names_are_no_difference(graph: list[tuple[str, int, list[int]]], shift: int) -> None:
    found = compare(sketches(graph), sketches(graph, shift=shift))

    assert found.same
    assert all(pair.old and pair.new and pair.old.definition == pair.new.definition for pair in found.pairs)


@given(graphs(), st.data())
def test_one_changed_stage_invalidates_itself_and_its_descendants(graph: list[tuple[str, int, list[int]]], data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(graph) - 1))
    kind, _, reads = graph[which]
    after = [*graph[:which], (kind, 9, reads), *graph[which + 1 :]]
    old, new = sketches(graph), sketches(after)
    edges = networkx.DiGraph([(parent, number) for number, (_, _, parents) in enumerate(after) for parent in parents])
    edges.add_nodes_from(range(len(after)))

    found = compare(old, new)

    names = [stage.name for stage in new.stages]
    assert {pair.new.name for pair in found.invalid if pair.new} == {
        names[number] for number in {which, *networkx.descendants(edges, which)}
    }
    assert [pair.new.name for pair in found.pairs if pair.fate == "changed" and pair.new] == [names[which]]
    assert all(pair.because == (names[which],) for pair in found.pairs if pair.fate == "descendant")


@given(graphs(), graphs())
def test_every_stage_of_both_is_in_one_pair(one: list[tuple[str, int, list[int]]], other: list[tuple[str, int, list[int]]]) -> None:
    old, new = sketches(one), sketches(other)

    found = compare(old, new)

    assert sorted(pair.new.name for pair in found.pairs if pair.new) == sorted(stage.name for stage in new.stages)
    assert sorted(pair.old.name for pair in found.pairs if pair.old) == sorted(stage.name for stage in old.stages)
    known = {stage.definition for stage in old.stages}
    for pair in found.pairs:
        if pair.fate == "same" and pair.new:
            assert pair.new.definition in known


def test_thousands_of_stages_are_compared_in_seconds() -> None:
    graph: list[tuple[str, int, list[int]]] = [("t:A", number, [number - 1] if number else []) for number in range(3000)]
    after: list[tuple[str, int, list[int]]] = [
        ("t:B", 0, []),
        *((kind, value, [parent + 1 for parent in reads]) for kind, value, reads in graph),
    ]
    after[1000] = ("t:A", 5000, after[1000][2])

    found = compare(sketches(graph), sketches(after))

    assert (len(found.invalid), sum(pair.fate == "changed" for pair in found.pairs)) == (1 + 3001 - 1000, 1)
