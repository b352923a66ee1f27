"""What runs, when, and how often: order, concurrency, resumption, early cutoff, budget and pins."""

import inspect
import sys
from pathlib import Path

import attrs
import pytest

from pipeline_dsl.base.fault import DigestMismatch, OverBudget, StageFailed, Usage
from pipeline_dsl.plan import plan as plans
from tests.runner.bench import DIAMOND, Bench, Quiet, faults, timeless
from tests.runner.killing import start

BRANCHES = """
left = Step(label='left', seconds=0.5)
right = Step(label='right', seconds=0.5)
join = Step(label='join', reads=(left, right))
pipeline = Pipeline(name='branches', targets=[join])
"""


def overlap(times: dict[str, int]) -> bool:
    return max(times["start left"], times["start right"]) < min(times["end left"], times["end right"])


@pytest.mark.parametrize(("jobs", "together"), [(1, False), (2, True)])
def test_branches_run_at_the_same_time_if_there_are_cores_for_both(tmp_path: Path, jobs: int, together: bool) -> None:
    bench = Bench(tmp_path)
    assert bench.run(BRANCHES, jobs=jobs).fault is None
    assert overlap(bench.times()) is together


def test_two_runs_of_one_pipeline_at_once_run_each_stage_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(DIAMOND.format(seconds=0.2), "diamond")
    runs = [start(("run", "diamond.py", "--jobs", "2"), cwd=tmp_path, **bench.environment) for _ in range(3)]
    ended = [item.end() for item in runs]
    assert [item.code for item in ended] == [0, 0, 0], ended
    assert sorted(bench.notes()) == sorted(
        f"{what} {label}" for what in ("start", "end") for label in ("root", "left", "right", "join", "last")
    )
    assert bench.manifest()["status"] == "complete"
    assert list(bench.store.damage()) == []


def test_two_pipelines_at_once_share_the_stages_that_are_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    shared = "shared = Step(label='shared', seconds=0.4)\n"
    bench.write(shared + "pipeline = Pipeline(name='one', targets=[Step(label='one', reads=(shared,))])", "one")
    bench.write(shared + "pipeline = Pipeline(name='two', targets=[Step(label='two', reads=(shared,))])", "two")
    runs = [start(("run", f"{name}.py"), cwd=tmp_path, **bench.environment) for name in ("one", "two")]
    assert [item.end().code for item in runs] == [0, 0]
    assert sorted(bench.notes()) == sorted(f"{what} {label}" for what in ("start", "end") for label in ("shared", "one", "two"))


def test_two_stages_that_are_the_same_are_run_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "a, b = Step(label='twin', seconds=0.2), Step(label='twin', seconds=0.2)\npipeline = Pipeline(name='twins', targets=[a, b])"
    assert bench.run(text, jobs=2).fault is None
    assert bench.notes().count("start twin") == 1
    assert list(bench.manifest()["stages"]) == ["01_step", "02_step"]


def test_a_second_run_runs_nothing_and_leaves_the_manifest_as_it_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(DIAMOND.format(seconds=0))
    first = bench.run(plan)
    before = first.manifest.stat()
    second = bench.run(plan)
    assert (first.ran, second.ran) == (5, 0)
    assert first.manifest.stat().st_mtime_ns == before.st_mtime_ns


def test_a_manifest_that_names_other_records_is_written_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(DIAMOND.format(seconds=0))
    outcome = bench.run(plan)
    planned = tmp_path / "plan.json"
    planned.write_text(plans.dump(plan))
    assert bench.pdsl("stage", "run", "05_step", "--plan", planned, "--force").returncode == 0
    assert bench.run(plan).ran == 0
    (record,) = [record for record in bench.store.records() if record.fields["label"] == "last"]
    assert record.digest in outcome.manifest.read_text()
    assert bench.pdsl("gate").returncode == 3  # it ships nothing, and nothing contradicts itself


def test_a_changed_parent_that_gives_the_same_bytes_stops_the_re_run_there(tmp_path: Path) -> None:
    bench, watch = Bench(tmp_path), Quiet()
    text = "a = Step(label={!r}, same=True)\nb = Step(label='b', reads=(a,))\n"
    text += "pipeline = Pipeline(name='cut', targets=[Step(label='c', reads=(b,))])"
    assert bench.run(text.format("one")).ran == 3
    outcome = bench.run(text.format("two"), watch=watch)
    assert outcome.ran == 1
    assert [line for line in watch.seen if line != "tick"] == ["started 01_step", "finished 01_step", "cached 02_step", "cached 03_step"]
    manifests = [file.read_text() for file in bench.folder.glob(".pdsl/runs/*/manifest.yaml")]
    assert len(manifests) == 2
    assert all("status: complete" in manifest for manifest in manifests)


def test_a_cutoff_before_many_stages_is_no_deep_recursion(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "a = Step(label={!r}, same=True)\nleaves = [Step(label='leaf', reads=(a,), steps=0) for _ in range(300)]\n"
    text += "pipeline = Pipeline(name='wide', targets=leaves)"
    assert bench.run(text.format("one")).fault is None
    plan, limit = bench.plan(text.format("two")), sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        outcome = bench.run(plan)
    finally:
        sys.setrecursionlimit(limit)
    assert (outcome.fault, outcome.ran) == (None, 1)


def test_from_runs_a_stage_and_its_descendants_again_and_nothing_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(DIAMOND.format(seconds=0), "diamond")
    assert bench.pdsl("run", "diamond.py").returncode == 0
    before = bench.manifest()
    ended = bench.pdsl("run", "diamond.py", "--from", "04_step", "--json")
    assert (ended.returncode, '"ran": 2' in ended.stdout) == (0, True)
    assert [line for line in bench.notes() if line.startswith("start")][5:] == ["start join", "start last"]
    assert timeless(bench.manifest()) == timeless(before)


def test_a_re_run_that_fails_leaves_a_manifest_without_what_it_was_to_replace(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan("a = Step(label='a')\npipeline = Pipeline(name='again', targets=[Careless(how='raises', data=a, before=1)])")
    assert bench.run(plan).fault is not None
    assert bench.run(plan).fault is None
    again = frozenset({"01_step", "02_careless"})
    assert bench.run(plan, again=again).fault is not None  # its scratch, and so its count of attempts, went when it succeeded
    manifest = bench.manifest()
    assert (list(manifest["stages"]), manifest["pending"], manifest["failed_stage"]) == (["01_step"], ["02_careless"], "02_careless")


def test_only_runs_one_stage_whose_inputs_are_done(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(DIAMOND.format(seconds=0))
    assert bench.run(plan, only=frozenset({"01_step"})).ran == 1
    assert bench.manifest()["status"] == "running"
    assert bench.run(plan, only=frozenset({"03_step"})).ran == 1
    refused = bench.run(plan, only=frozenset({"04_step"}))
    assert isinstance(refused.fault, StageFailed)
    assert "an input is not done" in refused.fault.message
    assert [line for line in bench.notes() if line.startswith("start")] == ["start root", "start right"]


def test_a_stage_that_is_not_there_is_a_wrong_use_that_names_those_that_are(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(DIAMOND.format(seconds=0), "diamond")
    ended = bench.pdsl("run", "diamond.py", "--only", "06_step")
    assert ended.returncode == 2
    assert "01_step, 02_step" in ended.stderr


def test_a_saved_plan_is_run_exactly_whatever_the_file_says_by_now(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='saved', targets=[Step(label='then')])", "saved")
    assert bench.pdsl("plan", "saved.py", "--out", "plan.json").returncode == 0
    bench.write("pipeline = Pipeline(name='saved', targets=[Step(label='now')])", "saved")
    assert bench.pdsl("run", "plan.json").returncode == 0
    assert bench.notes() == ["start then", "end then"]
    assert bench.manifest()["plan"] == plans.read(tmp_path / "plan.json").digest


def test_one_stage_of_a_saved_plan_runs_if_its_inputs_are_done_and_only_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "plan.json").write_text(plans.dump(bench.plan(DIAMOND.format(seconds=0))))
    command = ("stage", "run", "--plan", "plan.json")
    early = bench.pdsl(*command, "02_step")
    assert (early.returncode, faults(early.stderr)) == (5, ["PDSL803"])
    assert [bench.pdsl(*command, name).returncode for name in ("01_step", "01_step", "02_step")] == [0, 0, 0]
    assert bench.notes() == ["start root", "end root", "start left", "end left"]


OWN = """
class Own(Stage[Corpus]):
    version = {version}
    text: str = 'x'{more}
    def run(self, work: Workspace) -> Corpus:
        (work.output / 'a.jsonl').write_text(self.text)
        return Corpus(documents=1, characters=1)
pipeline = Pipeline(name='own', targets=[Own()])
"""


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (OWN.format(version=2, more=""), "planned with version 1"),
        (OWN.format(version=1, more="\n    other: int = 3"), "not those that `01_own` was planned with: other"),
        (OWN.format(version=1, more="").replace("text: str = 'x'", "words: str = 'x'").replace("self.text", "self.words"), "text, words"),
        ("pipeline = Pipeline(name='own', targets=[Step(label='a')])", "cannot be imported"),
        ("raise SystemExit(4)", "sys.exit(4)"),
    ],
)
def test_a_plan_whose_module_changed_since_is_refused(tmp_path: Path, later: str, reason: str) -> None:
    bench = Bench(tmp_path)
    bench.write(OWN.format(version=1, more=""), "own")
    assert bench.pdsl("plan", "own.py", "--out", "plan.json").returncode == 0
    bench.write(later, "own")
    ended = bench.pdsl("run", "plan.json")
    assert (ended.returncode, faults(ended.stderr)) == (5, ["PDSL802"])
    assert reason in ended.stderr
    assert bench.manifest()["failed_stage"] == "01_own"


def test_a_pin_that_is_met_is_no_hindrance_and_another_stops_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.run("pipeline = Pipeline(name='pinned', targets=[Step(label='a')])").fault is None
    made = bench.manifest()["stages"]["01_step"]["output_hash"]
    text = "pipeline = Pipeline(name='pinned', targets=[Step(label={!r}, pin={!r})])"
    assert bench.run(text.format("a", made)).fault is None
    outcome = bench.run(text.format("b", made))
    assert isinstance(outcome.fault, DigestMismatch)
    assert "is pinned to" in outcome.fault.message
    with pytest.raises(DigestMismatch, match="is pinned to"):
        bench.run(text.format("a", "sha256:" + "0" * 64))


PACED = """
class Paced(Stage[Corpus]):
    pace: float = execution(default=1.0)

    def run(self, work: Workspace) -> Corpus:
        note(f"pace {self.pace}")
        (work.output / "a.jsonl").write_text("x")
        return Corpus(documents=1, characters=1)


pipeline = Pipeline(name="paced", targets=[Paced()])
"""


def test_a_field_that_only_says_how_fast_reaches_the_stage_and_changes_no_digest(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan(PACED)
    faster = attrs.evolve(plan, stages=(attrs.evolve(plan.stages[0], execution={"pace": 2.5}),))
    assert plans.parse(plans.dump(faster), where="here") == faster
    assert faster.digest == plan.digest
    assert bench.run(faster).fault is None
    assert bench.notes() == ["pace 2.5"]
    assert bench.run(plan).ran == 0


MONEY = """
here = Hardware(device=Device(name='d', bf16=1e9, memory=10**9, price=None, price_date='', price_source=''), price=3600.0)
dear = Dear(label='dear', seconds=0.4, on=here)
pipeline = Pipeline(name='money', targets=[Dear(label='next', data=dear, estimated=0.5, on=here)], budget=Budget(usd={usd}))
"""


def test_a_budget_that_is_spent_half_way_holds_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    outcome = bench.run(MONEY.format(usd=0.6))
    assert isinstance(outcome.fault, OverBudget)
    assert bench.notes() == ["start dear", "end dear"]
    manifest = bench.manifest()
    assert (manifest["status"], manifest["failed_stage"], manifest["pending"]) == ("held", "02_dear", ["02_dear"])
    bench.write(MONEY.format(usd=0.6), "money")
    ended = bench.pdsl("run", "money.py")
    assert (ended.returncode, faults(ended.stderr)) == (3, ["PDSL601"])
    assert bench.run(MONEY.format(usd=5)).ran == 1


def test_a_stage_that_a_launcher_starts_is_held_by_what_the_others_really_cost(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    file = tmp_path / "plan.json"
    file.write_text(plans.dump(bench.plan(MONEY.format(usd=0.6))))
    first = bench.pdsl("stage", "run", "01_dear", "--plan", str(file))
    held = bench.pdsl("stage", "run", "02_dear", "--plan", str(file))
    assert (first.returncode, held.returncode, faults(held.stderr)) == (0, 3, ["PDSL601"])
    assert bench.pdsl("stage", "run", "01_dear", "--plan", str(file)).returncode == 0


def test_a_stage_waits_while_what_runs_may_cost_the_money_that_it_needs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    header, _, _ = MONEY.format(usd=1).partition("dear =")
    text = "first = Dear(label='first', seconds=1, on=here)\n"  # a dollar that nobody estimated
    text += "left, right = (Dear(label=label, seconds=0.2, estimated=0.9, data=first, on=here) for label in ('left', 'right'))\n"
    text += "pipeline = Pipeline(name='money', targets=[left, right], budget=Budget(usd=2.5))"
    assert bench.run(header + text, jobs=2).fault is None
    assert not overlap(bench.times())


@pytest.mark.slow
def test_two_hundred_stages_run_on_eight_jobs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "first = [Step(label=f'a{n}', steps=0) for n in range(100)]\n"
    text += "then = [Step(label=f'b{n}', steps=0, reads=tuple(first[n:n + 3])) for n in range(100)]\n"
    outcome = bench.run(text + "pipeline = Pipeline(name='many', targets=then)", jobs=8)
    assert (outcome.fault, outcome.ran) == (None, 200)
    assert len(bench.manifest()["stages"]) == 200


def test_a_plan_that_is_not_there_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(Usage):
        plans.read(tmp_path / "plan.json")
