"""A failure takes with it what was made from it, and nothing else; what it takes can be put back."""

import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.base.fault import AlreadyRunning, BadFile, DigestMismatch, TooDear
from pipeline_dsl.plan.plan import Estimate, Interval, Plan, PlannedStage, definition
from pipeline_dsl.runner.gathering import gather
from pipeline_dsl.runner.invalidation import Applied, apply
from pipeline_dsl.runner.resolve import resolve
from pipeline_dsl.runner.rollback import Rollback, rollback, rollback_set
from pipeline_dsl.runner.stage import locked
from pipeline_dsl.store import aside as asides, manifest as manifests
from pipeline_dsl.store.aside import put_back
from pipeline_dsl.store.keeping import collect, kept_by_runs
from pipeline_dsl.store.store import Store
from tests.runner.bench import DIAMOND, Bench, Quiet, environment

networkx: Any = nx  # whose types say less than it does

TWELVE = """
made = []
for number in range(1, 13):
    made.append(Step(label=f's{{number}}', reads=tuple(made[-1:]), seconds={seconds}))
pipeline = Pipeline(name='twelve', targets=[made[-1]])
"""

NAMES = [f"{number:02}_step" for number in range(1, 13)]


def twelve(seconds: float = 0.0) -> str:
    return TWELVE.format(seconds=seconds)


FOUR = twelve().replace("13", "5")


def found(bench: Bench, plan: Plan, failed: str) -> Rollback:
    (path,) = [path for path in bench.folder.glob(".pdsl/runs/*/manifest.yaml") if manifests.read(path).plan == plan.digest]
    return rollback(plan, manifests.read(path), bench.store, plan.find(failed).name)


def applied(bench: Bench, plan: Plan, failed: str, **how: Any) -> Applied:
    with environment(**bench.environment):
        return apply(found(bench, plan, failed), bench.store, Quiet(), jobs=1, **how)


def done(bench: Bench, plan: Plan) -> dict[str, str]:
    """The record of each stage that is done."""
    return {name: record.digest for name, record in resolve(plan, bench.store).records.items()}


# The set.


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any graph of up to nine stages, in an order in which they can run."""
    stages: list[PlannedStage] = []
    known: dict[str, str] = {}
    for name in (f"{number:02}_s" for number in range(1, draw(st.integers(1, 9)) + 1)):
        parents = draw(st.lists(st.sampled_from(sorted(known)), unique=True, max_size=3)) if known else []
        known[name] = definition("t:T", 1, {"label": name}, {"reads": [known[parent] for parent in parents]})
        seconds = Interval(1.0, 2.0, 3.0)
        stages.append(
            PlannedStage(
                name=name,
                kind="t",
                type="t:T",
                version=1,
                produces="Corpus",
                fields={"label": name},
                inputs={"reads": parents},
                definition=known[name],
                estimate=Estimate(flops=0.0, seconds=seconds, usd=None, assumptions=""),
                tier="cheap",
                device="cpu",
                devices=1,
                hourly_usd=None,
            )
        )
    return Plan(
        pipeline="p",
        pipeline_version="1",
        seed=0,
        stages=tuple(stages),
        gates=(),
        budget_usd=None,
        budget_kl=None,
        baseline=None,
        ships=None,
    )


@given(plans(), st.data())
def test_the_rollback_set_is_the_stage_and_its_descendants(plan: Plan, data: st.DataObject) -> None:
    failed = data.draw(st.sampled_from([stage.name for stage in plan.stages]))
    graph = networkx.DiGraph()
    graph.add_nodes_from(stage.name for stage in plan.stages)
    graph.add_edges_from((parent, stage.name) for stage in plan.stages for parent in stage.parents)

    invalid = set(rollback_set(plan, failed))

    assert invalid == networkx.descendants(graph, failed) | {failed}
    assert all(child in invalid for name in invalid for child in graph.successors(name))
    assert invalid.isdisjoint(networkx.ancestors(graph, failed))


@pytest.mark.parametrize(("failed", "first"), [("06", 6), ("11", 11), ("1", 1), ("12_step", 12)])
def test_in_a_chain_of_twelve_it_is_the_rest_of_the_chain(tmp_path: Path, failed: str, first: int) -> None:
    plan = Bench(tmp_path).plan(twelve())

    assert list(rollback_set(plan, plan.find(failed).name)) == NAMES[first - 1 :]


def test_a_stage_that_is_the_same_under_another_name_fails_with_it(tmp_path: Path) -> None:
    text = (
        "a, b = Step(label='twin'), Step(label='twin')\nc = Step(label='c', reads=(b,))\n"
        "pipeline = Pipeline(name='twins', targets=[a, c, Step(label='d')])"
    )
    plan = Bench(tmp_path).plan(text)

    assert [plan.stage(name).fields["label"] for name in rollback_set(plan, plan.stages[0].name)] == ["twin", "twin", "c"]


# What it takes.


def test_a_failure_at_09_runs_09_to_12_again_and_takes_01_to_08_from_the_cache(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(twelve(seconds=0.2))
    began = time.monotonic()
    assert bench.run(plan).fault is None
    whole = time.monotonic() - began
    before = len(bench.notes())

    result = found(bench, plan, "09")
    assert (list(result.invalid), list(result.cached), result.pending) == (NAMES[8:], NAMES[:8], ())
    assert (result.cost.measured, result.cost.stages) == (4, 4)
    assert result.cost.seconds.point == pytest.approx(result.whole.seconds.point / 3, rel=0.2)

    did = applied(bench, plan, "09")
    assert bench.notes()[before:] == [f"{what} s{number}" for number in range(9, 13) for what in ("start", "end")]
    assert (list(did.ran), list(did.reused)) == (NAMES[8:], NAMES[:8])
    assert did.outcome.fault is None
    assert did.outcome.seconds < 0.6 * whole


def test_what_was_spent_is_told_by_the_records_and_the_rest_by_the_plan(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "a = Dear(label='a', seconds=0.2, estimated=1000)\nb = Dear(label='b', estimated=500, data=a)\n"
    plan = bench.plan(text + "pipeline = Pipeline(name='p', targets=[b])")
    bench.run(plan, only=frozenset({"01_dear"}))

    result = found(bench, plan, "01")

    assert [part.measured for part in result.spent.values()] == [True, False]
    assert 0.2 <= result.spent["01_dear"].seconds.point < 100
    assert result.spent["02_dear"].seconds.point == 500
    assert result.cost.seconds.point == pytest.approx(500.2, abs=99)
    assert result.cost.hours["CPU-core"].point == pytest.approx(result.cost.seconds.point / 3600)
    assert result.pending == ()


def test_branches_cost_their_sum_and_last_as_long_as_the_longest_chain(tmp_path: Path) -> None:
    text = "a = Dear(label='a', estimated=10)\nb = Dear(label='b', estimated=100, data=a)\nc = Dear(label='c', estimated=70, data=a)\n"
    bench = Bench(tmp_path)
    plan = bench.plan(text + "pipeline = Pipeline(name='p', targets=[b, c])")
    gather(plan, bench.store)

    cost = found(bench, plan, "01").cost

    assert (cost.seconds.point, cost.longest.point, cost.gpu_hours.point) == (180, 110, 0)


# The last good artifact.

VERSIONS = """
data = Step(label='data')
base = Step(label={label!r}, reads=(data,), tier='expensive', name='base')
exam = Exam(model=base, mmlu=60.0, tier='expensive', name='exam')
pipeline = Pipeline(name='versions', targets=[exam])
"""


def versions(bench: Bench, *labels: str) -> Plan:
    for label in labels:
        plan = bench.plan(VERSIONS.format(label=label))
        assert bench.run(plan).fault is None
    return plan  # pyright: ignore[reportPossiblyUnboundVariable]


def test_an_expensive_stage_falls_back_to_what_its_earlier_run_made(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first = versions(bench, "first")
    second = versions(bench, "second")
    old = resolve(first, bench.store).records

    good = found(bench, second, "base").good

    base, exam = good["base"], good["exam"]
    assert base is not None
    assert exam is not None
    assert (base.output, exam.output) == (old["base"].output, old["exam"].output)
    assert exam.metrics["mmlu"] == 60.0
    assert base.run is not None
    assert manifests.read(Path(base.run)).plan == first.digest
    assert [(change.field, change.old, change.new) for change in base.changed] == [("label", "first", "second")]


def test_a_stage_that_never_ran_before_has_no_good_artifact(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    assert found(bench, versions(bench, "only"), "base").good == {"base": None, "exam": None}


def test_above_the_failure_the_artifact_of_this_run_is_the_good_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = versions(bench, "first", "second")

    good = found(bench, plan, "exam").good["base"]

    assert good is not None
    assert (good.run, good.output) == ("this run", resolve(plan, bench.store).records["base"].output)


def test_a_damaged_artifact_is_not_good_and_an_older_one_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    oldest, older = versions(bench, "oldest"), versions(bench, "older")
    plan = versions(bench, "now")
    damage(bench.store, resolve(older, bench.store).records["base"].output)

    good = found(bench, plan, "base").good["base"]

    assert good is not None
    assert good.output == resolve(oldest, bench.store).records["base"].output


def damage(store: Store, output: str) -> None:
    """Change a byte of an artifact so that only reading it shows that."""
    blob = next(store.blob(entry) for entry in store.tree(output).files if entry.size)
    blob.chmod(0o644)
    blob.write_bytes(b"x" + blob.read_bytes()[1:])


def test_what_falls_back_is_not_run_again_unless_somebody_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = versions(bench, "first", "second")
    before = done(bench, plan)

    with pytest.raises(TooDear, match="`base` would run again") as refused:
        applied(bench, plan, "base")
    assert "label 'second' -> 'first'" in refused.value.help
    assert done(bench, plan) == before

    assert list(applied(bench, plan, "base", dear=True).ran) == ["base", "exam"]


def test_a_revised_pipeline_that_declares_the_last_good_artifact_finds_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = versions(bench, "first", "second")
    text = VERSIONS.replace("tier='expensive', name='exam'", "name='exam'").replace("60.0", "61.0")
    revised = bench.plan(text.format(label="first"))

    did = applied(bench, plan, "base", revised=revised)

    assert (list(did.ran), list(did.reused)) == (["exam"], ["01_step", "base"])


# What is set aside.


def test_nothing_is_deleted_and_undoing_puts_everything_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(twelve())
    bench.run(plan)
    before, blobs = done(bench, plan), set(bench.store.files("blobs"))
    did = applied(bench, plan, "09")
    after = done(bench, plan)
    assert [name for name in NAMES if before[name] != after[name]] == NAMES[8:]
    assert blobs <= set(bench.store.files("blobs"))

    replaced = put_back(bench.store, asides.find(bench.store, did.aside or ""))

    assert done(bench, plan) == before
    assert replaced is not None
    assert put_back(bench.store, replaced) is not None
    assert done(bench, plan) == after
    assert len(list(asides.asides(bench.store))) == 1


def test_a_half_made_stage_does_not_go_on_from_what_it_had(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "a = Careless(how='raises', before=3)\npipeline = Pipeline(name='p', targets=[a])"
    plan = bench.plan(text)
    for _ in range(2):
        assert bench.run(plan).fault is not None
    (tries,) = tmp_path.glob(".pdsl/work/*/scratch/tries")
    assert tries.read_text() == "2"

    did = applied(bench, plan, "01")

    assert tries.read_text() == "1"
    assert did.aside is not None
    assert [file.read_text() for file in tmp_path.glob(f".pdsl/aside/{did.aside}/work/*/scratch/tries")] == ["2"]


class Killed(BaseException):
    """Stands for a signal that nothing can catch."""


@contextmanager
def killed_after(moves: int, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    real: Callable[[Path, Path], None] = asides._move  # pyright: ignore[reportPrivateUsage]
    count = 0

    def move(source: Path, target: Path) -> None:
        nonlocal count
        if count == moves:
            raise Killed
        count += source.exists()
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(asides, "_move", move)
        yield


@pytest.mark.parametrize("moves", range(2))
def test_killed_while_it_sets_aside_it_leaves_nothing_in_use_that_was_made_from_what_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(FOUR)
    bench.run(plan)
    before = done(bench, plan)
    with killed_after(moves, monkeypatch), pytest.raises(Killed):
        applied(bench, plan, "03")
    assert list(done(bench, plan)) == NAMES[: 4 - moves]

    did = applied(bench, plan, "03")
    assert list(did.ran) == NAMES[2:4]
    assert done(bench, plan) != before
    for aside in reversed(list(asides.asides(bench.store))):
        put_back(bench.store, aside)
    assert done(bench, plan) == before


@pytest.mark.parametrize("moves", range(4))
def test_killed_while_it_puts_back_the_same_call_puts_back_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(FOUR)
    bench.run(plan)
    before = done(bench, plan)
    aside = asides.find(bench.store, applied(bench, plan, "03").aside or "")
    with killed_after(moves, monkeypatch), pytest.raises(Killed):
        put_back(bench.store, aside)

    put_back(bench.store, aside)

    assert done(bench, plan) == before


def test_what_is_set_aside_survives_the_collection_of_garbage_until_told_otherwise(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(FOUR)
    bench.run(plan)
    store = bench.store
    lost = {name: resolve(plan, store).keys[name] for name in NAMES[2:4]}
    outputs = [record.output for name, record in resolve(plan, store).records.items() if name in lost]
    asides.set_aside(store, lost, plan=plan.digest, failed="03_step")
    gather(plan, store)

    collect(store, kept_by_runs(store), damaged=False, dry_run=False)
    assert all(store.verify(output) for output in outputs)

    collect(store, kept_by_runs(store), damaged=False, dry_run=False, aside=True)
    assert not any(store.tree_file(output).exists() for output in outputs)
    assert not store.layout.aside.exists()
    assert list(store.damage()) == []


# Damage.


def test_a_damaged_record_is_said_and_its_descendants_are_found_by_the_manifest(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(twelve())
    bench.run(plan)
    keys = resolve(plan, bench.store).keys
    file = bench.store.record_file(keys["09_step"])
    file.write_bytes(file.read_bytes().replace(b"1", b"2"))

    result = found(bench, plan, "09")
    assert list(result.damaged) == ["09_step"]
    assert {name: result.keys[name] for name in NAMES[8:]} == {name: keys[name] for name in NAMES[8:]}

    assert list(applied(bench, plan, "09").ran) == NAMES[8:]


def test_a_damaged_artifact_above_the_failure_stops_it_before_anything_is_set_aside(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(twelve())
    bench.run(plan)
    before = done(bench, plan)
    damage(bench.store, resolve(plan, bench.store).records["03_step"].output)

    with pytest.raises(DigestMismatch):
        applied(bench, plan, "09")
    assert done(bench, plan) == before

    assert list(applied(bench, plan, "03").ran) == NAMES[2:]
    assert list(bench.store.damage()) == []


def test_a_stage_that_runs_elsewhere_is_not_pulled_from_under_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(DIAMOND.format(seconds=0))
    bench.run(plan)
    before = done(bench, plan)
    last = plan.stages[-1].name
    with locked(bench.store, resolve(plan, bench.store).keys[last], last, wait=False), pytest.raises(AlreadyRunning):
        applied(bench, plan, plan.stages[0].name)
    assert done(bench, plan) == before


def test_a_manifest_cannot_name_records_of_other_stages_to_be_set_aside(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(twelve())
    bench.run(plan)
    (path,) = tmp_path.glob(".pdsl/runs/*/manifest.yaml")
    keys = resolve(plan, bench.store).keys
    path.write_text(path.read_text().replace(f"action: {keys['12_step']}", f"action: {keys['02_step']}"))

    assert found(bench, plan, "12").keys["12_step"] == keys["12_step"]
    assert list(applied(bench, plan, "12").ran) == ["12_step"]


def test_a_note_that_names_files_elsewhere_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(twelve())
    bench.run(plan)
    name = applied(bench, plan, "12").aside or ""
    note = tmp_path / ".pdsl" / "aside" / name / "aside.json"
    data = json.loads(note.read_text())
    note.write_text(json.dumps({**data, "keys": {"12_step": "sha256:../../../../etc/passwd"}}))

    with pytest.raises(BadFile, match="was changed"):
        asides.find(bench.store, name)
