"""What is true of every review: it agrees with `pdsl check`, sees every edit of a run, and neither runs nor opens what it reads."""

import copy
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import given, settings, strategies

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.compile import compile_loaded, planned
from pipeline_dsl.compiler.load import load
from pipeline_dsl.compiler.review.review import Review, Terms, review
from pipeline_dsl.store.proposal import proposal
from pipeline_dsl.store.strict_yaml import dumped
from tests.command import ROOT
from tests.gates.test_verdict import Shipped, shipped, shipping

SOURCES = [
    *sorted((ROOT / "tests" / "good").glob("*.py")),
    *sorted((ROOT / "tests" / "faults").glob("*.py")),
    *(ROOT / "pipelines" / f"{name}.py" for name in ("tiny", "llama_7b", "llama3_8b", "posttrain_70b", "qlora_7b")),
]

UNSAID = {
    "PDSL508",  # a proposal names the stage of each gate
    "PDSL242",  # pins
}
"""What a pipeline file can have and a proposal cannot."""

ELSEWHERE = {
    "ended_by_the_queue",  # a stage type of its own: its time is told, its arithmetic is not
    "protocol_for_a_value",  # a value whose Python type is lost
    "metric_of_a_stage_that_measures_another",
}
"""Pipelines that break what a manifest does not say."""


def of(text: str, **terms: Any) -> Review:
    return review(text.encode("utf-8", "surrogatepass"), "proposal.yaml", Terms(**terms))


def codes(found: Review) -> set[str]:
    return {finding.code for finding in found.findings} - {"PDSL115"}


@pytest.mark.parametrize("file", [file for file in SOURCES if file.name[0] != "_"], ids=lambda file: file.stem)
def test_a_proposal_is_judged_as_the_pipeline_that_it_was_made_of(file: Path) -> None:
    loaded = load(str(file))
    if isinstance(loaded, Diagnostic):
        pytest.skip("it is no pipeline")
    compiled = compile_loaded(loaded, allowing=False)  # comments that allow a warning are the author's, and no reviewer's
    facts = compiled.facts
    if loaded.pipeline.launchers and file.parent.name != "pipelines":
        pytest.skip("what a cluster does is said in its launchers")
    if facts is None or facts.unspelled or any(bound.metric is None for bound in facts.gates):
        pytest.skip("it cannot be planned")
    if file.stem in ELSEWHERE:
        pytest.skip("it breaks what a manifest does not say")

    found = codes(of(dumped(proposal(planned(facts), None))))

    assert found == {finding.code for finding in compiled.diagnostics} - UNSAID


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return shipped(tmp_path_factory.mktemp("run"), shipping())


def test_the_manifest_of_a_real_run_is_approved(run: Shipped) -> None:
    found = of(run.file.read_text())

    assert (found.verdict, codes(found), found.status, found.ships) == ("APPROVE", set(), "complete", "01_step")


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(data, dict | list):
        return [path]
    members = cast("dict[str, Any]", data).items() if isinstance(data, dict) else enumerate(cast("list[Any]", data))
    return [leaf for key, item in members for leaf in _leaves(item, (*path, key))]


_FREE = {"git_commit", "author", "reason", "failed_stage", "record", "code", "hardware", "libraries", "wall_clock_sec", "device"}
"""What a review cannot hold against anything else: where and when it ran, and digests of what only the store has."""


def test_no_digest_of_a_run_can_be_changed_unseen(run: Shipped) -> None:
    data = yaml.safe_load(run.file.read_text())
    unseen: list[tuple[Any, ...]] = []
    for path in _leaves(data):
        if not _FREE.isdisjoint(path):
            continue
        changed = copy.deepcopy(data)
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        value = holder[path[-1]]
        if not (isinstance(value, str) and value.startswith("sha256:")):
            continue
        holder[path[-1]] = f"sha256:{'0' * 64}"
        if not of(yaml.safe_dump(changed, sort_keys=False)).broken:
            unseen.append(path)
    last = [path for path in unseen if path[-1] == "output_hash"]

    assert sorted(unseen) == sorted(last), "only a result that nobody reads is held by nothing but the store"
    assert len(last) == 2


def _put(path: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        *way, last = path.split("/")
        for key in way:
            data = data[key]
        data[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", 1),
        ("pipeline_version", "9.9"),
        ("ships", None),
        ("baseline", None),
        ("gates", []),
        ("gates", ["mmlu >= 1", "safety_violation_rate <= 0.9", "cost_total_usd <= 99"]),
        ("budget", {"usd": 5}),
        ("stages/04_exam/recipe/fields/mmlu", 99.0),
        ("stages/04_exam/recipe/version", 2),
        ("stages/04_exam/recipe/inputs/model", "02_step"),
        ("stages/04_exam/input_hash", {}),
        ("stages/04_exam/kind", "policy"),
    ],
)
def test_what_decides_a_run_cannot_be_changed_unseen(run: Shipped, path: str, value: Any) -> None:
    data = yaml.safe_load(run.file.read_text())
    _put(path, value)(data)

    assert of(yaml.safe_dump(data, sort_keys=False)).broken


def test_the_store_of_a_run_bears_its_manifest_out(run: Shipped) -> None:
    assert codes(of(run.file.read_text(), store=run.bench.store)) == set()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stages/04_exam/metrics/mmlu", 51.0),
        ("stages/04_exam/metrics/gsm8k", 51.0),
        ("stages/04_exam/cost_usd", 5.0),
        ("stages/04_exam/wall_clock_sec", 5.0),
        ("stages/04_exam/record", f"sha256:{'0' * 64}"),
        ("stages/04_exam/output_hash", f"sha256:{'0' * 64}"),
    ],
)
def test_with_the_store_no_figure_can_be_changed_unseen(run: Shipped, path: str, value: Any) -> None:
    data = yaml.safe_load(run.file.read_text())
    _put(path, value)(data)
    found = of(yaml.safe_dump(data, sort_keys=False), store=run.bench.store)

    assert "PDSL425" in codes(found)
    assert found.broken


# Hostile texts.


def test_a_hundred_megabytes_in_one_line_are_refused_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    found = of("stages: " + "a" * 100_000_000)

    assert codes(found) == {"PDSL111"}
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{" * 100_000,
        "- " * 100_000,
        "a: " * 5_000,
        "? " * 50_000,
        "a: |\n" + " x\n" * 200_000,
        "&a " * 1000,
        "a: " + "9" * 1_000_000,
        "seed: 1e" + "9" * 30,
        "seed: 0x" + "f" * 10_000,
        "".join(f"k{number}: 1\n" for number in range(500_000)),
        "stages: {" + ", ".join(f"s{number}: {{recipe: x}}" for number in range(20_000)) + "}",
        "\x00",
        "\ud800",
        "!!python/object/apply:os.system ['touch here']",
        "stages: !!python/module:os",
        "%YAML 9.9\n---\na: 1",
        "a: 'unclosed",
        "\ufeff\ufeffa: 1",
    ],
    ids=range(19),
)
def test_a_hostile_text_is_refused_in_seconds(text: str) -> None:
    began = time.monotonic()
    found = of(text)

    assert found.verdict == "REFUSE"
    assert time.monotonic() - began < 60


@given(strategies.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_gets_a_verdict(text: str) -> None:
    assert of(text).verdict == "REFUSE"


_JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(max_size=8),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def base() -> Any:
    return yaml.safe_load((ROOT / "tests" / "reviews" / "run_good.yaml").read_text())


@given(data=strategies.data())
@settings(max_examples=60, deadline=None)
def test_a_manifest_with_anything_anywhere_gets_a_verdict(base: Any, data: strategies.DataObject) -> None:
    changed = copy.deepcopy(base)
    holder: Any = changed
    keys = data.draw(strategies.sampled_from(_leaves(base)))
    for key in keys[: data.draw(strategies.integers(0, len(keys) - 1))]:
        holder = holder[key]
    last = data.draw(strategies.sampled_from(sorted(cast("dict[str, Any]", holder)) if isinstance(holder, dict) else range(len(holder))))
    holder[last] = data.draw(_JSON)

    assert of(yaml.safe_dump(changed, sort_keys=False, allow_unicode=True)).verdict in ("APPROVE", "REFUSE")


def test_nothing_that_a_manifest_names_is_opened_started_or_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "tests" / "reviews" / "hostile_template.yaml").read_text()
    text = text.replace("releases/assistant-0.9.0/manifest.yaml", str(ROOT / "README.md"))
    of(text)  # what pdsl itself imports is imported now

    def refuse(*arguments: Any, **more: Any) -> Any:
        raise AssertionError(f"a review reached out: {arguments}")

    for module, name in ((os, "system"), (os, "open"), (subprocess, "Popen"), (socket, "socket"), (Path, "open"), (Path, "is_file")):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("builtins.__import__", _only_ours(__import__))
    found = of(text)
    monkeypatch.undo()

    assert found.verdict == "APPROVE"


def _only_ours(real: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(name: str, *more: Any) -> Any:
        assert not name.startswith(("ours", "os.system", "wonder")), name
        return real(name, *more)

    return guarded


def test_findings_hold_nothing_that_commands_a_terminal() -> None:
    text = (ROOT / "tests" / "reviews" / "good_by_hand.yaml").read_text().replace("truthfulqa >= baseline", '"\\e[2Jx\\x9b31m >= y"')
    said = [part for finding in of(text).findings for part in (finding.message, finding.help, finding.label)]

    assert any("x1b" in part for part in said)
    assert not any(letter in part for part in said for letter in "\x1b\x9b\u202e")
