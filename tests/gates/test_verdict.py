"""SHIP or HOLD: numbers come from the store, what is missing holds, and what was edited is refused."""

import copy
import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from pipeline_dsl.base.fault import DigestMismatch, Fault, Held, MissingArtifact
from pipeline_dsl.gates.decision import decide_run, require_ship
from pipeline_dsl.gates.verdict import Run, Verdict, judge
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store import manifest as manifests
from tests.runner.bench import Bench

SHIPPING = """
model = Step(label={label!r})
old = Exam(model=Step(label='old'), mmlu={old})
new = Exam(model=model, mmlu={new}, violations={violations})
pipeline = Pipeline(name='shipping', targets=[new], ships=model, baseline={baseline}, gates=[
    metric('mmlu') >= baseline + {more}, metric('safety_violation_rate') <= 0.05, metric('cost_total_usd') <= {usd}])
"""


def shipping(**changes: Any) -> str:
    values: dict[str, Any] = {"label": "new", "old": 40.0, "new": 50.0, "violations": 0.01, "baseline": "old", "more": 0.5, "usd": 10}
    return SHIPPING.format(**{**values, **changes})


@attrs.frozen
class Shipped:
    """A finished run with its manifest file."""

    bench: Bench
    plan: Plan
    file: Path

    def judge(self, baseline: "Shipped | None" = None) -> Verdict:
        return judge(self.run(), baseline.run() if baseline else None)

    def run(self) -> Run:
        manifest = manifests.read(self.file)
        return Run(manifest=manifest, plan=self.bench.store.plan(manifest.plan), store=self.bench.store)

    def edit(self, change: Callable[[Any], None]) -> None:
        data = yaml.safe_load(self.file.read_text())
        change(data)
        self.file.write_text(yaml.safe_dump(data, sort_keys=False))


def shipped(folder: Path, text: str, **order: Any) -> Shipped:
    bench = Bench(folder)
    plan = bench.plan(text)
    return Shipped(bench, plan, bench.run(plan, **order).manifest)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return shipped(tmp_path_factory.mktemp("original"), shipping())


@pytest.fixture
def good(original: Shipped, tmp_path: Path) -> Shipped:
    shutil.copytree(original.bench.folder, tmp_path, dirs_exist_ok=True)
    return Shipped(Bench(tmp_path), original.plan, tmp_path / original.file.relative_to(original.bench.folder))


def released_by(shipped: Shipped) -> str:
    """The artifact that is let out, where nobody signed anything."""
    return require_ship(decide_run(shipped.run(), shipped.judge(), None, datetime.now(UTC)))


def results(verdict: Verdict) -> dict[str, str]:
    return {row.metric: row.result for row in verdict.rows}


def test_a_run_whose_gates_all_pass_ships_the_artifact_that_it_names(good: Shipped) -> None:
    verdict = good.judge()
    assert verdict.ship
    assert results(verdict) == {"mmlu": "pass", "safety_violation_rate": "pass", "cost_total_usd": "pass"}
    made = manifests.read(good.file).stages
    assert verdict.artifact == released_by(good) == made[good.plan.ships or ""].output_hash
    row = verdict.rows[0]
    assert (row.value, row.baseline, row.threshold, row.evidence) == (50.0, 40.0, 40.5, made[row.stage or ""].output_hash)
    assert verdict.digest == good.judge().digest


@pytest.mark.parametrize(
    ("changes", "metric"),
    [({"new": 40.4}, "mmlu"), ({"violations": 0.0501}, "safety_violation_rate"), ({"usd": 0}, "cost_total_usd")],
)
def test_one_failing_gate_holds(tmp_path: Path, changes: Mapping[str, Any], metric: str) -> None:
    run = shipped(tmp_path, shipping(**changes))
    verdict = run.judge()
    assert not verdict.ship
    assert [name for name, result in results(verdict).items() if result != "pass"] == [metric]
    assert results(verdict)[metric] == "fail"
    with pytest.raises(Held, match=metric):
        released_by(run)


def test_a_value_on_the_threshold_passes(tmp_path: Path) -> None:
    assert shipped(tmp_path, shipping(new=40.5, violations=0.05)).judge().ship


@pytest.mark.parametrize(("changes", "reason"), [({"new": None}, "was not measured"), ({"old": None}, "did not measure")])
def test_missing_evidence_holds(tmp_path: Path, changes: Mapping[str, Any], reason: str) -> None:
    verdict = shipped(tmp_path, shipping(**changes)).judge()
    assert not verdict.ship
    assert results(verdict)["mmlu"] == "unknown"
    assert reason in verdict.rows[0].reason


def test_an_unknown_price_holds(tmp_path: Path) -> None:
    free = "Hardware(device=Device(name='d', bf16=1e9, memory=10**9, price=None, price_date='', price_source=''))"
    verdict = shipped(tmp_path, shipping().replace("gates=[", f"on={free}, gates=[")).judge()
    assert results(verdict) == {"mmlu": "pass", "safety_violation_rate": "pass", "cost_total_usd": "unknown"}
    assert not verdict.ship


@pytest.mark.parametrize(("new", "resolved"), [(50.0, True), (41.5, False), (39.0, False), (30.0, True)])
def test_a_difference_to_the_baseline_has_its_own_interval(tmp_path: Path, new: float, resolved: bool) -> None:
    row = shipped(tmp_path, shipping(new=new)).judge().rows[0]
    assert row.difference is not None
    assert row.difference.interval == pytest.approx((new - 40 - 2.772, new - 40 + 2.772), abs=0.01)  # 1.96 x sqrt(1 + 1)
    assert (row.difference.value, row.difference.paired, row.resolved) == (new - 40, False, resolved)


def test_a_rate_without_an_error_has_the_binomial_interval_of_its_samples(good: Shipped) -> None:
    row = good.judge().rows[1]
    assert row.interval == pytest.approx((0.0, 0.0295), abs=1e-4)
    assert (row.samples, row.difference, row.resolved) == (100, None, True)


def test_an_incomplete_run_holds(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(), only=frozenset({"01_step"}))
    verdict = run.judge()
    assert not verdict.ship
    assert "is not complete" in verdict.reasons[0]


def test_a_run_that_ships_nothing_holds(tmp_path: Path) -> None:
    verdict = shipped(tmp_path, "pipeline = Pipeline(name='research', targets=[Step(label='a')])").judge()
    assert not verdict.ship
    assert "ships nothing" in verdict.reasons[0]


ALIGNING = "policy = Align(nats={nats}, kl_budget=2.0)\npipeline = Pipeline(name='p', targets=[policy])"


@pytest.mark.parametrize(("nats", "reason"), [(2.5, "its KL budget is 2"), (None, "recorded no divergence")])
def test_a_policy_that_left_its_own_budget_holds_whatever_the_gates_say(tmp_path: Path, nats: float | None, reason: str) -> None:
    bench = Bench(tmp_path)
    plan = attrs.evolve(
        bench.plan(f"policy = Align(nats={nats}, kl_budget=2.0)\npipeline = Pipeline(name='p', targets=[policy])"), ships="01_align"
    )
    verdict = Shipped(bench, plan, bench.run(plan).manifest).judge()
    assert any(reason in found for found in verdict.reasons)
    assert not verdict.ship


def test_a_policy_within_its_budget_is_not_held_for_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = attrs.evolve(
        bench.plan("policy = Align(nats=1.5, kl_budget=2.0)\npipeline = Pipeline(name='p', targets=[policy])"), ships="01_align"
    )
    assert not any("KL" in found for found in Shipped(bench, plan, bench.run(plan).manifest).judge().reasons)


# A baseline that is another run's manifest.


def released(folder: Path, **changes: Any) -> Shipped:
    folder.mkdir()
    return shipped(folder, shipping(baseline="Release(manifest='none.yaml')", **changes).replace("old = Exam", "_ = Exam"))


@pytest.mark.parametrize(("before", "ships"), [(49.0, True), (49.6, False)])
def test_a_shipped_run_is_the_baseline_of_the_next(tmp_path: Path, before: float, ships: bool) -> None:
    old, new = released(tmp_path / "old", label="older", new=before), released(tmp_path / "new")
    verdict = new.judge(old)
    assert verdict.ship is ships
    assert verdict.rows[0].baseline == before
    assert verdict.baseline


def test_without_a_baseline_the_gate_that_needs_one_holds(tmp_path: Path) -> None:
    verdict = released(tmp_path / "new").judge()
    assert not verdict.ship
    assert "--baseline" in verdict.rows[0].reason


def test_a_baseline_that_measured_something_else_holds(tmp_path: Path) -> None:
    other = shipped(tmp_path, "pipeline = Pipeline(name='other', targets=[Step(label='a')])")
    verdict = released(tmp_path / "new").judge(other)
    assert not verdict.ship
    assert "the baseline did not measure `mmlu`" in verdict.rows[0].reason


def test_a_run_is_no_baseline_of_itself(tmp_path: Path) -> None:
    run = released(tmp_path / "new", more=0)
    verdict = run.judge(run)
    assert not verdict.ship
    assert verdict.reasons == ("the baseline is this very run",)


def test_a_baseline_that_did_not_finish_holds(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = shipped(tmp_path / "old", shipping(label="older"), only=frozenset({"01_step"}))
    verdict = released(tmp_path / "new").judge(old)
    assert not verdict.ship
    assert "the baseline is not complete" in verdict.reasons[0]


def test_an_edited_baseline_is_refused(tmp_path: Path) -> None:
    old, new = released(tmp_path / "old", label="older"), released(tmp_path / "new")

    def lower(data: Any) -> None:
        exam = next(entry for entry in data["stages"].values() if "mmlu" in entry["recipe"]["fields"])
        exam["recipe"]["fields"]["mmlu"] = 1.0

    old.edit(lower)
    with pytest.raises(DigestMismatch):
        new.judge(old)


# Edited manifests.

ZERO = "sha256:" + "0" * 64


def put(path: str, value: Any) -> Callable[[Any], None]:
    """Set what a path of keys leads to; `STAGE` stands for the evaluation that ships."""

    def change(data: Any) -> None:
        keys = path.replace("STAGE", list(data["stages"])[-1]).split("/")
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


def drop_a_stage(data: Any) -> None:
    del data["stages"][next(iter(data["stages"]))]


def add_a_stage(data: Any) -> None:
    data["stages"]["99_more"] = copy.deepcopy(next(iter(data["stages"].values())))


def swap_outputs(data: Any) -> None:
    first, second = (data["stages"][name] for name in list(data["stages"])[:2])
    first["output_hash"], second["output_hash"] = second["output_hash"], first["output_hash"]


def forget_a_parent(data: Any) -> None:
    next(iter(data["stages"].values()))["output_hash"] = ZERO


LINKS: dict[str, Callable[[Any], None]] = {
    "output_hash": put("stages/STAGE/output_hash", ZERO),
    "output_hash of a parent": forget_a_parent,
    "input_hash": put("stages/STAGE/input_hash/model", ZERO),
    "record": put("stages/STAGE/record", ZERO),
    "action": put("stages/STAGE/action", ZERO),
    "definition": put("stages/STAGE/definition", ZERO),
    "plan": put("plan", ZERO),
    "recipe's field": put("stages/STAGE/recipe/fields/mmlu", 99.0),
    "recipe's new field": put("stages/STAGE/recipe/fields/more", 1),
    "recipe's type": put("stages/STAGE/recipe/type", "a:B"),
    "recipe's version": put("stages/STAGE/recipe/version", 2),
    "recipe's input": put("stages/STAGE/recipe/inputs/model", "99"),
    "recipe's input, no name": put("stages/STAGE/recipe/inputs/model", [["a"]]),
    "recipe's input, no name in a mapping": put("stages/STAGE/recipe/inputs/model", {"a": {}}),
    "code": put("stages/STAGE/code", ZERO),
    "libraries": put("stages/STAGE/libraries", {"torch": "9"}),
    "pipeline": put("pipeline", "another"),
    "pipeline_version": put("pipeline_version", "9"),
    "seed": put("seed", 9),
    "gates": put("gates", []),
    "a stage more": add_a_stage,
    "a stage less": drop_a_stage,
    "outputs of two stages": swap_outputs,
    "no digest": put("stages/STAGE/action", "../../etc/passwd"),
}


@pytest.mark.parametrize("what", LINKS)
def test_an_edited_link_of_the_chain_is_refused(good: Shipped, what: str) -> None:
    good.edit(LINKS[what])
    with pytest.raises(Fault) as error:
        good.judge()
    assert error.value.exit == 4, error.value


FIGURES: dict[str, Callable[[Any], None]] = {
    "metrics": put("stages/STAGE/metrics/mmlu", 99.0),
    "new metrics": put("stages/STAGE/metrics", {"mmlu": 1.0, "more": 2.0}),
    "cost": put("stages/STAGE/cost_usd", 1e9),
    "total cost": put("cost_total_usd", 1e9),
    "time": put("stages/STAGE/wall_clock_sec", 1e9),
    "status": put("status", "failed"),
    "reason": put("reason", "x"),
    "commit": put("git_commit", "0" * 40),
}


@pytest.mark.parametrize("what", FIGURES)
def test_an_edited_figure_has_no_effect_on_the_verdict(good: Shipped, what: str) -> None:
    before = good.judge()
    good.edit(FIGURES[what])
    assert good.judge() == before


@pytest.mark.parametrize("mmlu", [40.0, 99.0])
def test_a_failing_run_cannot_be_edited_into_shipping(tmp_path: Path, mmlu: float) -> None:
    run = shipped(tmp_path, shipping(new=30.0))
    for change in FIGURES.values():
        run.edit(change)
    run.edit(put("stages/STAGE/metrics/mmlu", mmlu))
    assert not run.judge().ship


# Evidence in the store.


def evidence(good: Shipped) -> tuple[Path, Path]:
    """The tree and the blob of the evaluation that ships."""
    entry = list(manifests.read(good.file).stages.values())[-1]
    store = good.bench.store
    return store.tree_file(entry.output_hash), store.blob(store.tree(entry.output_hash).files[0])


@pytest.mark.parametrize("which", [0, 1])
def test_evidence_that_was_changed_in_the_store_is_refused(good: Shipped, which: int) -> None:
    file = evidence(good)[which]
    before = file.stat()
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"50.0", b"99.0"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DigestMismatch):
        good.judge()


@pytest.mark.parametrize("which", [0, 1])
def test_evidence_that_is_gone_is_refused(good: Shipped, which: int) -> None:
    evidence(good)[which].unlink()
    with pytest.raises(MissingArtifact):
        good.judge()


@pytest.mark.parametrize("folder", ["actions", "plans"])
def test_a_record_or_a_plan_that_is_gone_or_changed_is_refused(good: Shipped, folder: str) -> None:
    files = sorted(file for file in (good.bench.store.layout.store / folder).rglob("*") if file.is_file())
    data = files[0].read_bytes()
    files[0].unlink()
    with pytest.raises(MissingArtifact):
        good.judge()
    files[0].write_bytes(data.replace(b"0", b"1", 1))
    with pytest.raises(DigestMismatch):
        good.judge()


def test_the_shipped_artifact_is_read_again_before_it_is_let_out(good: Shipped) -> None:
    store = good.bench.store
    made = manifests.read(good.file).stages[good.plan.ships or ""].output_hash
    blob = next(store.blob(entry) for entry in store.tree(made).files if entry.size)
    blob.chmod(0o644)
    blob.write_bytes(b"another")
    with pytest.raises(DigestMismatch):
        good.judge()


def test_the_command_exits_by_the_table(good: Shipped) -> None:
    assert (good.bench.pdsl("gate").returncode, good.bench.pdsl("gate").stdout[:5]) == (0, "SHIP:")
    good.edit(LINKS["record"])
    refused = good.bench.pdsl("gate", good.file)
    assert refused.returncode == 4
    assert "the manifest says record" in refused.stderr
    held = good.bench.pdsl("gate", "nothing.yaml")
    assert held.returncode == 2


def test_the_command_says_what_holds(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(new=30.0))
    ended = run.bench.pdsl("gate", run.file)
    assert ended.returncode == 3
    assert ended.stdout.startswith("HOLD: mmlu failed")
    assert "30 [28, 32] percent" in ended.stdout
    assert ">= 40.5 (baseline 40), -10 [-12.8, -7.23]" in ended.stdout


def test_the_command_says_what_its_evaluation_cannot_tell(tmp_path: Path) -> None:
    run = shipped(tmp_path, shipping(new=41.0))
    ended = run.bench.pdsl("gate", run.file)
    assert ended.returncode == 0
    assert "within its noise" in ended.stdout
    row = json.loads(run.bench.pdsl("gate", run.file, "--json").stdout)["rows"][0]
    assert (row["resolved"], row["difference"]["paired"], row["baseline"]) == (False, False, 40.0)
