"""Nothing in a manifest is passed over because it has another form than it should, or is not there."""

import copy
import json
from typing import Any

import pytest

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import BadFile
from pipeline_dsl.compiler.review.installed import installed
from pipeline_dsl.compiler.review.review import Review, Terms, review
from pipeline_dsl.compiler.review.tree import grown
from pipeline_dsl.compiler.values import walk
from pipeline_dsl.lang.fields import Role
from pipeline_dsl.lang.stage import stage_type
from tests.command import ROOT


def written(name: str) -> Any:
    return grown((ROOT / "tests" / "reviews" / f"{name}.yaml").read_text(encoding="utf-8"), name)[0].plain


RUN, PROPOSAL = written("run_good"), written("good_by_hand")


def changed(base: Any, *changes: tuple[str, Any]) -> Review:
    """The review of a manifest in which the values under these paths are others; `...` leaves one out."""
    data = copy.deepcopy(base)
    for path, value in changes:
        *way, last = path.split("/")
        holder = data
        for key in way:
            holder = holder[key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
    return review(json.dumps(data).encode(), "manifest.yaml", Terms())


def codes(found: Review) -> set[str]:
    return {finding.code for finding in found.findings} - {"PDSL115"}


def test_the_manifests_that_are_changed_here_are_approved() -> None:
    assert codes(changed(RUN)) == codes(changed(PROPOSAL)) == set()


_TEXTS = ("pipeline", "pipeline_version", "git_commit", "author", "plan", "status", "failed_stage", "reason", "ships", "use", "seed")
_OF_A_STAGE = ("kind", "definition", "action", "record", "output_hash", "hardware", "code", "wall_clock_sec", "cost_usd", "recipe/version")


@pytest.mark.parametrize("value", [{}, [], {"a": 1}, ["x"]], ids=str)
@pytest.mark.parametrize("path", [*_TEXTS, "manifest_version", "baseline/stage", *(f"stages/04_exam/{name}" for name in _OF_A_STAGE)])
def test_a_mapping_or_a_list_is_no_text_and_no_number(path: str, value: Any) -> None:
    assert changed(RUN, (path, value)).verdict == "REFUSE"


@pytest.mark.parametrize("value", [3.5, True, "word", ["x"]], ids=str)
@pytest.mark.parametrize("path", ["stages", "gate_stages", *(f"stages/04_exam/{name}" for name in ("metrics", "libraries", "input_hash"))])
def test_a_text_or_a_list_is_no_mapping(path: str, value: Any) -> None:
    assert changed(RUN, (path, value)).verdict == "REFUSE"


@pytest.mark.parametrize("path", ["pending", "overrides", "gates"])
def test_a_number_is_no_list(path: str) -> None:
    assert changed(RUN, (path, 3.5)).verdict == "REFUSE"


@pytest.mark.parametrize("value", [3.5, ["x"], {"manifest": ["x"]}, {"manifest": {}}, {"manifest": 1}], ids=str)
def test_a_baseline_is_a_name_or_says_one(value: Any) -> None:
    assert "PDSL113" in codes(changed(PROPOSAL, ("baseline", value)))


@pytest.mark.parametrize("path", [*_TEXTS, "budget", "baseline", "stages", "gate_stages", "stages/04_exam/on", "stages/04_exam/recipe"])
def test_what_has_another_form_is_told_with_what_to_write(path: str) -> None:
    told = [finding for finding in changed(RUN, (path, ["x"])).findings if finding.code == "PDSL113"]

    assert [finding.message for finding in told if not finding.help] == []


def test_a_pipeline_without_a_name_is_not_called_null() -> None:
    assert "PDSL113" in codes(changed(PROPOSAL, ("pipeline", None)))


@pytest.mark.parametrize("value", [{}, [], {"a": 1}, ["x"], [1], "word", 3.5, True], ids=str)
def test_what_no_field_of_a_type_takes_is_told_by_the_checks(value: Any) -> None:
    """A review reads a field by `structure`; what that refuses is left as it stands, for the checks to tell of."""
    passed: list[str] = []
    for path, cls in installed().items():
        for field in stage_type(cls).fields:
            if field.role is Role.INPUT:
                continue
            try:
                structure(value, field.hint, what=field.name, as_written=True)
            except BadFile:
                if not any(walk(value, field.hint)):
                    passed.append(f"{path}.{field.name}")

    assert passed == []


@pytest.mark.parametrize("value", [{}, [], "bf17", 16], ids=str)
def test_a_word_that_is_none_of_the_choices_is_told_with_the_choices(value: Any) -> None:
    found = changed(PROPOSAL, ("stages/base/recipe/fields/precision", value))

    assert any(finding.code == "PDSL203" and "'bf16'" in finding.message for finding in found.findings)


def _loosen(*more: tuple[str, Any]) -> tuple[tuple[str, Any], ...]:
    gates = ["mmlu >= baseline + 0.5", "safety_violation_rate <= 0.9", "cost_total_usd <= 10"]
    return (("gates", gates), ("gate_stages", dict.fromkeys(gates[:2], "04_exam")), *more)


_BAD = ("stages/04_exam/metrics/mmlu", 1.0)


def _every(name: str, value: Any) -> list[tuple[str, Any]]:
    return [(f"stages/{stage}/{name}", value) for stage in RUN["stages"]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (_loosen(), "PDSL421"),
        (_loosen(("plan", ...)), "PDSL421"),
        (_loosen(("plan", None)), "PDSL421"),
        (_loosen(("pending", ["x"])), "PDSL421"),
        ((("pending", ["x"]),), "PDSL119"),
        ((_BAD,), "PDSL540"),
        ((_BAD, ("status", ...)), "PDSL540"),
        ((_BAD, ("status", "proposed")), "PDSL540"),
        ((("stages/04_exam/metrics/mmlu", ...), ("status", "proposed")), "PDSL540"),
        ((("stages/04_exam/output_hash", ...), ("stages/04_exam/action", ...)), "PDSL119"),
        (
            (("stages/04_exam/recipe/fields/mmlu", 99.0), ("plan", None), *_every("recipe/version", None), *_every("definition", None)),
            "PDSL421",
        ),
        ((("stages/04_exam/recipe/version", 1.5),), "PDSL113"),
    ],
    ids=range(12),
)
def test_leaving_out_what_a_run_is_held_against_lets_nothing_through(changes: tuple[tuple[str, Any], ...], code: str) -> None:
    assert code in codes(changed(RUN, *changes))


def test_an_unfinished_run_is_told_as_that_and_not_as_forged() -> None:
    found = changed(RUN, ("status", "interrupted"), ("pending", ["05_more"]))

    assert codes(found) == {"PDSL119"}


def test_each_type_that_is_not_installed_is_told_once_though_one_name_ends_as_another() -> None:
    types = [("01_step", "yours:Step"), ("02_step", "s:Step"), ("03_exam", "s:Step"), ("04_exam", "s:Exam")]
    found = changed(RUN, *((f"stages/{stage}/recipe/type", said) for stage, said in types))
    told = [finding.message for finding in found.findings if finding.code == "PDSL115"]

    assert [message.split("`")[1] for message in told] == ["yours:Step", "s:Step", "s:Exam"]
