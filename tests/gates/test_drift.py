"""Two runs, compared: numbers come from the stores, and what nothing declared explains is flagged."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline_dsl.gates.drift import Drift, drift
from pipeline_dsl.gates.examined import Examined, examine
from pipeline_dsl.plan.comparison import compare, outline
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store
from tests.runner.bench import Bench

DICE = """
import os

class Dice(Stage[EvalReport]):
    model: Ref[Corpus]
    label: str = "dice"

    def run(self, work: Workspace) -> EvalReport:
        thrown = float(os.environ["DICE"])
        (work.output / "results.json").write_text(json.dumps(thrown))
        score = Score(value=thrown, samples=100, stderr=1.0)
        return EvalReport(model=work.digest(self.model), suite="none", results={"mmlu": score, "odd": Score(value=thrown)})

    def measures(self):
        return ("mmlu",)

model = Step(label='model')
pipeline = Pipeline(name='dice', targets=[Dice(model=model)])
"""


def thrown(folder: Path, value: float, text: str = DICE) -> Examined:
    """A run in a folder of its own, whose evaluation comes out as `value`."""
    folder.mkdir()
    bench = Bench(folder)
    bench.write(text, "dice")
    ended = bench.pdsl("run", "dice.py", DICE=str(value))
    assert ended.returncode == 0, ended.stderr
    return opened(folder)


def opened(folder: Path) -> Examined:
    (path,) = folder.glob(".pdsl/runs/*/manifest.yaml")
    manifest, store = manifests.read(path), Store(Layout(folder / ".pdsl"))
    return examine(manifest, store.plan(manifest.plan), store)


def drifted(old: Examined, new: Examined) -> Drift:
    assert old.plan is not None
    assert new.plan is not None
    return drift(old, new, compare(outline(old.plan), outline(new.plan)).pairs)


def causes(found: Drift) -> list[str]:
    return [flag.cause for flag in found.flags]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "first"
    thrown(folder, 50.0)
    return folder


@pytest.fixture
def first(original: Path, tmp_path: Path) -> Path:
    """A copy of a run that came out as 50."""
    return Path(shutil.copytree(original, tmp_path / "first"))


@pytest.mark.parametrize(("value", "beyond"), [(52.0, False), (60.0, True)])
def test_the_same_definition_with_another_artifact_is_flagged_and_its_metric_beyond_noise(
    first: Path, tmp_path: Path, value: float, beyond: bool
) -> None:
    found = drifted(opened(first), thrown(tmp_path / "second", value))

    mmlu, odd = found.movements
    assert (mmlu.metric, mmlu.unit, mmlu.old, mmlu.new, mmlu.beyond, mmlu.claimed) == ("mmlu", "percent", 50.0, value, beyond, False)
    assert mmlu.difference is not None
    assert mmlu.difference.interval == pytest.approx((value - 50 - 2.772, value - 50 + 2.772), abs=0.01)
    assert (odd.metric, odd.beyond, odd.difference and odd.difference.interval) == ("odd", None, None)
    assert causes(found) == ["artifact", *(["metric"] if beyond else []), "metric"]  # the odd one has no interval, and moved by 4%
    assert "(results.json of 1 files)" in found.flags[0].text
    assert "not deterministic" in found.flags[0].text


def test_two_runs_that_came_out_the_same_have_no_flags(first: Path, tmp_path: Path) -> None:
    found = drifted(opened(first), thrown(tmp_path / "second", 50.0))

    assert (found.flags, found.shifts) == ((), ())
    assert [movement.beyond for movement in found.movements] == [False, False]


def test_a_metric_may_move_where_the_definition_did(first: Path, tmp_path: Path) -> None:
    found = drifted(opened(first), thrown(tmp_path / "second", 60.0, DICE.replace('= "dice"', '= "loaded"')))

    assert found.movements[0].beyond is True
    assert found.movements[0].redefined
    assert found.flags == ()


def test_code_that_changed_at_the_same_version_is_flagged(first: Path, tmp_path: Path) -> None:
    found = drifted(opened(first), thrown(tmp_path / "second", 50.0, DICE.replace("samples=100, stderr", "samples=50 + 50, stderr")))

    assert causes(found) == ["code"]
    assert [shift.what for shift in found.shifts] == ["code"]


# What a manifest alone says.


def edit(folder: Path, change: Callable[[Any], None]) -> Examined:
    (path,) = folder.glob(".pdsl/runs/*/manifest.yaml")
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return opened(folder)


def put(name: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        list(data["stages"].values())[-1][name] = value

    return change


def whole(name: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        data[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "cause", "said"),
    [
        (put("metrics", {"mmlu": 99.0, "odd": 50.0}), "claim", "claims mmlu 99, the store has 50"),
        (put("metrics", {"odd": 50.0}), "claim", "claims mmlu nothing, the store has 50"),
        (put("cost_usd", 1.0), "claim", "USD, the store has"),
        (put("output_hash", "sha256:" + "0" * 64), "chain", "says output_hash"),
        (put("libraries", {"torch": "9"}), "chain", "says libraries"),
        (put("hardware", "8 x H100"), "claim", "claims hardware"),
        (put("code", "sha256:" + "0" * 64), "chain", "says code"),
        (put("record", "sha256:" + "0" * 64), "chain", "says record"),
        (put("definition", "sha256:" + "0" * 64), "chain", "in its plan"),
        (whole("seed", 9), "chain", "its seed is 9"),
        (whole("cost_total_usd", 9.0), "claim", "its stages add up to"),
        (whole("wall_clock_total_sec", 0.0), "claim", "its stages add up to"),
    ],
)
def test_what_a_manifest_says_against_its_store_is_flagged_and_the_store_is_believed(
    original: Path, first: Path, change: Callable[[Any], None], cause: str, said: str
) -> None:
    found = drifted(opened(original), edit(first, change))

    assert any(flag.cause == cause and said in flag.text for flag in found.flags), found.flags
    mmlu = found.movements[0]
    if not mmlu.claimed:
        assert (mmlu.old, mmlu.new) == (50.0, 50.0)


def test_an_artifact_that_was_changed_in_the_store_is_no_evidence(original: Path, first: Path) -> None:
    run = opened(first)
    record = run.records["02_dice"]
    tree = run.store.tree_file(record.output)
    tree.chmod(0o644)
    tree.write_bytes(tree.read_bytes().replace(b"50.0", b"99.0"))

    found = drifted(opened(original), opened(first))

    assert causes(found) == ["chain"]
    assert found.movements[0].claimed
    assert found.movements[0].beyond is None


def claimed(manifest: Any, folder: Path) -> Examined:
    """A manifest whose store and plan are elsewhere."""
    path = folder / "claimed.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False))
    return examine(manifests.read(path), None, Store(Layout(folder / "empty")))


ANOTHER = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"wall_clock_sec": 400.0, "cost_usd": 0.01}, "time"),
        ({"cost_usd": 3.0}, "cost"),
        ({"cost_usd": None}, "cost"),
        ({"hardware": "1 x other (cpu)"}, "environment"),
        ({"libraries": {"torch": "2.0"}}, "environment"),
        ({"code": ANOTHER}, "code"),
        ({"output_hash": ANOTHER}, "artifact"),
        ({"metrics": {"mmlu": 99.0, "odd": 50.0}}, "metric"),
    ],
)
def test_of_two_records_of_one_stage_what_nothing_declared_explains_is_flagged(
    first: Path, tmp_path: Path, change: dict[str, Any], cause: str
) -> None:
    (path,) = first.glob(".pdsl/runs/*/manifest.yaml")
    old = yaml.safe_load(path.read_text())
    old["stages"]["02_dice"].update(wall_clock_sec=100.0, cost_usd=0.0025)
    new = copy.deepcopy(old)
    new["stages"]["02_dice"].update(record=ANOTHER, **change)
    for data in (old, new):
        costs = [entry["cost_usd"] for entry in data["stages"].values()]
        data["cost_total_usd"] = None if None in costs else sum(costs)
        data["wall_clock_total_sec"] = sum(entry["wall_clock_sec"] for entry in data["stages"].values())

    plan = opened(first).plan
    assert plan is not None
    found = drift(claimed(old, tmp_path), claimed(new, tmp_path), compare(outline(plan), outline(plan)).pairs)

    assert causes(found) == [cause], found.flags
    assert all(movement.claimed for movement in found.movements)


def test_of_one_record_two_manifests_cannot_say_different_things(first: Path, tmp_path: Path) -> None:
    (path,) = first.glob(".pdsl/runs/*/manifest.yaml")
    old = yaml.safe_load(path.read_text())
    new = json.loads(json.dumps(old))
    new["stages"]["02_dice"]["metrics"]["mmlu"] = 51.0
    plan = opened(first).plan
    assert plan is not None

    found = drift(claimed(old, tmp_path), claimed(new, tmp_path), compare(outline(plan), outline(plan)).pairs)

    assert causes(found) == ["claim"]
