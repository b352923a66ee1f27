"""A saved plan comes back the same, or not at all."""

import json
import random
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.base.digest import digest_plain
from pipeline_dsl.base.fault import BadFile, DigestMismatch, Fault, Usage
from pipeline_dsl.lang.local import Local
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Estimate, Interval, Plan, PlannedBaseline, PlannedGate, PlannedStage, definition, reshape

words = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
data: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
intervals = st.builds(Interval, numbers, numbers, numbers)
estimates = st.builds(Estimate, flops=numbers, seconds=intervals, usd=st.none() | intervals, assumptions=words, unknown=words)
gates = st.builds(
    PlannedGate,
    metric=words,
    operator=st.sampled_from([">=", "<="]),
    threshold=numbers,
    relative=st.booleans(),
    unit=words,
    better=words,
    family=words,
    stage=st.none() | words,
)


@st.composite
def accepted(draw: st.DrawFn) -> Plan:
    stages: list[PlannedStage] = []
    known: dict[str, str] = {}
    for name in draw(st.lists(words, max_size=4, unique=True)):
        parent = st.none() if not known else st.sampled_from(sorted(known))
        inputs = draw(st.dictionaries(words, parent | (st.lists(parent, max_size=2) if known else st.none()), max_size=2))
        fields = draw(st.dictionaries(words, data, max_size=2))
        version, kind = draw(st.integers()), draw(words)
        known[name] = definition(kind, version, fields, {field: reshape(shape, known) for field, shape in inputs.items()})
        stages.append(
            PlannedStage(
                name=name,
                kind=draw(words),
                type=kind,
                version=version,
                produces=draw(words),
                fields=fields,
                inputs=inputs,
                definition=known[name],
                estimate=draw(estimates),
                tier=draw(words),
                device=draw(words),
                devices=draw(st.integers()),
                hourly_usd=draw(st.none() | numbers),
                cores=draw(st.integers()),
                kl_budget=draw(st.none() | numbers),
                pin=draw(st.none() | words),
            )
        )
    return Plan(
        pipeline=draw(words),
        pipeline_version=draw(words),
        seed=draw(st.integers()),
        stages=tuple(stages),
        gates=tuple(draw(st.lists(gates, max_size=2))),
        budget_usd=draw(st.none() | numbers),
        budget_kl=draw(st.none() | numbers),
        baseline=draw(st.none() | st.builds(PlannedBaseline, stage=st.none() | words, manifest=st.none() | words)),
        ships=draw(st.none() | words),
        local=draw(st.builds(Local, jobs=st.integers(), threads=st.integers())),
        root=draw(words),
    )


@given(accepted())
def test_a_plan_comes_back_as_it_was_saved(plan: Plan) -> None:
    assert plans.parse(plans.dump(plan), where="here") == plan


@given(accepted())
def test_a_plan_is_called_the_same_wherever_it_was_compiled(plan: Plan) -> None:
    assert attrs.evolve(plan, root="/elsewhere", local=Local(jobs=7)).digest == plan.digest


SAMPLE = Plan(
    pipeline="sample",
    pipeline_version="0.1.0",
    seed=3,
    stages=(
        PlannedStage(
            name="01_a",
            kind="a",
            type="m:A",
            version=1,
            produces="Corpus",
            fields={"text": "x", "rate": 0.5, "deep": [1, {"b": None}]},
            inputs={},
            definition=definition("m:A", 1, {"text": "x", "rate": 0.5, "deep": [1, {"b": None}]}, {}),
            estimate=Estimate(flops=1e9, seconds=Interval(1.0, 2.0, 3.0), usd=None, assumptions="none"),
            tier="cheap",
            device="cpu",
            devices=1,
            hourly_usd=0.05,
        ),
    ),
    gates=(
        PlannedGate(metric="mmlu", operator=">=", threshold=0.5, relative=True, unit="percent", better="higher", family="f", stage="01_a"),
    ),
    budget_usd=10.0,
    budget_kl=None,
    baseline=PlannedBaseline(stage="01_a"),
    ships="01_a",
    root="/here",
)


def test_no_edited_character_of_a_saved_plan_changes_what_it_means() -> None:
    text, chance = plans.dump(SAMPLE), random.Random(3)
    meaning = json.loads(text)
    refused = 0
    for place in range(len(text)):
        for letter in chance.sample('0123456789abcdefnul"{}[],:. \n\\-+E_\u00e9', 5):
            for edited in (
                text[:place] + letter + text[place + 1 :],
                text[:place] + letter + text[place:],
                text[:place] + text[place + 1 :],
            ):
                try:
                    found = plans.parse(edited, where="here")
                except (BadFile, DigestMismatch):
                    refused += 1
                    continue
                assert found == SAMPLE
                assert json.loads(edited) == meaning
    assert refused > 10 * len(text)


def forged(change: dict[str, Any]) -> str:
    """A plan with a changed body whose own digest was made to fit."""
    body = json.loads(plans.dump(SAMPLE))["plan"] | change
    return json.dumps({"digest": SAMPLE.digest, "content": digest_plain(body), "plan": body})


STAGE: dict[str, Any] = json.loads(plans.dump(SAMPLE))["plan"]["stages"][0]

FORGERIES: list[tuple[dict[str, Any], str]] = [
    ({"seed": 4}, "says it is"),
    ({"ships": None}, "says it is"),
    ({"seed": "3"}, "seed"),
    ({"schema": 2}, "format 2"),
    ({"schema": True}, "schema"),
    ({"extra": 1}, "extra"),
    ({"stages": 3}, "stages"),
    ({"stages": [[]]}, "stages"),
    ({"stages": [STAGE] * 2}, "two stages are called"),
    ({"stages": [STAGE | {"inputs": {"a": [["x"]]}}]}, "does not come before"),
    ({"stages": [STAGE | {"inputs": {"a": {"b": {}}}}]}, "does not come before"),
    ({"stages": [STAGE | {"inputs": {"a": "01_a"}}]}, "does not come before"),
    ({"stages": [STAGE | {"version": 2}]}, "definition of `01_a` was changed"),
]


@pytest.mark.parametrize(("change", "reason"), FORGERIES)
def test_a_forged_plan_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises((BadFile, DigestMismatch), match=reason):
        plans.parse(forged(change), where="here")


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "3", "{}", '{"digest": 1, "content": 1, "plan": []}', '{"digest": 1, "content": 1, "plan": null}', "[" * 10**6,
        '{"digest": 1, "content": 1, "plan": {"schema": 1, "seed": NaN}}', '{"digest": 1, "content": 1, "plan": {"schema": 1e999}}',
        '{"digest": 1, "content": 1, "plan": {"schema": "\\ud800"}}', '{"digest": 1, "content": 1, "plan": {"schema": ' + "9" * 5000 + "}}",
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(BadFile):
        plans.parse(text, where="here")


@given(st.text(max_size=100))
def test_no_text_makes_parsing_fail_in_any_other_way(text: str) -> None:
    with pytest.raises(Fault):
        plans.parse(text, where="here")


@pytest.mark.parametrize("content", [b"\xff", b"{"])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises((BadFile, Usage)):
        plans.read(tmp_path / "plan.json")
