"""A run made again: what is the same is said to be, what is not is named, and a difference stays where it arose."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from pipeline_dsl.base.fault import DigestMismatch
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.deviation import Deviation, of_machine, of_plans
from pipeline_dsl.runner.original import Original, of_code, of_types, original
from pipeline_dsl.runner.replay import Replay, Result, replay
from pipeline_dsl.runner.reproduction import Tolerance
from pipeline_dsl.runner.sources import roots
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store
from tests.runner.bench import DIAMOND, Bench, Quiet, environment

NOISY = """
class Noisy(Stage[EvalReport]):
    data: Ref[Corpus]
    metric: str = "mmlu"
    stderr: float | None = 1.0

    def run(self, work: Workspace) -> EvalReport:
        value = float(os.environ["PDSL_TEST_VALUE"])
        (work.output / "results.json").write_text(str(value))
        scores = {self.metric: Score(value=value, samples=100, stderr=self.stderr)}
        return EvalReport(model=work.digest(self.data), suite="none", results=scores)


class Read(Stage[Corpus]):
    report: Ref[EvalReport]

    def run(self, work: Workspace) -> Corpus:
        note("start read")
        (work.output / "a.jsonl").write_text((work.path(self.report) / "results.json").read_text())
        return Corpus(documents=1, characters=1)
"""

MEASURED = "\npipeline = Pipeline(name='p', targets=[Read(report=Noisy(data=Step(label='x'), metric={metric!r}, stderr={stderr}))])\n"


def ran(folder: Path, text: str, value: float = 50.0) -> Original:
    """A finished run of a pipeline."""
    bench = Bench(folder)
    with environment(PDSL_TEST_VALUE=str(value)):
        outcome = bench.run(text)
    assert outcome.fault is None, outcome.fault
    return original(outcome.manifest, bench.store)


def again(run: Original, value: float = 50.0, folder: str = "again", **options: Any) -> dict[str, Result]:
    """The run made again in a fresh store beside its own; the results by the names of the stages."""
    only = options.get("only")
    wanted = [stage for stage in run.plan.stages if only in (None, stage.name)]
    types, deviations = of_types(run, wanted, roots(run.plan.root))
    assert deviations == []
    bench = Bench(run.store.layout.root.parent)
    with environment(PDSL_TEST_VALUE=str(value), **bench.environment):
        store = Store(Layout(run.store.layout.root.parent / folder))
        outcome = replay(run, Replay(types=types, jobs=2, **options), store, Quiet())
    return {result.stage: result for result in outcome.results}


def measured(folder: Path, metric: str = "mmlu", stderr: float | None = 1.0) -> Original:
    return ran(folder, NOISY + MEASURED.format(metric=metric, stderr=stderr))


def looks(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(folder.rglob("*")) if path.is_file()}


# What comes out


def test_deterministic_stages_are_bit_identical_and_each_of_them_was_run_again(tmp_path: Path) -> None:
    run = ran(tmp_path, DIAMOND.format(seconds=0))
    (tmp_path / "notes").unlink()
    results = again(run)
    assert {result.status for result in results.values()} == {"bit-identical"}
    assert sorted(Bench(tmp_path).notes()) == sorted(
        f"{what} {name}" for name in ("root", "left", "right", "join", "last") for what in ("start", "end")
    )


def test_the_store_of_the_run_is_left_as_it_is(tmp_path: Path) -> None:
    run = ran(tmp_path, DIAMOND.format(seconds=0))
    before = looks(run.store.layout.store)
    again(run)
    assert looks(run.store.layout.store) == before


def test_a_metric_within_the_interval_of_the_difference_is_reproduced(tmp_path: Path) -> None:
    run = measured(tmp_path)
    assert again(run, 52.7)["02_noisy"].status == "reproduced"  # 1.96 x hypot(1, 1) = 2.77


def test_a_metric_outside_of_it_is_not_reproduced_and_by_how_much_is_said(tmp_path: Path) -> None:
    result = again(measured(tmp_path), 53.0)["02_noisy"]
    assert result.status == "not reproduced"
    assert result.reason == "mmlu 50 -> 53, interval [47.23, 52.77]: 0.228 percent outside"
    assert result.files == ("results.json",)


def test_a_difference_does_not_spread_to_the_stages_that_read_it(tmp_path: Path) -> None:
    results = again(measured(tmp_path), 99.0)
    assert (results["02_noisy"].status, results["03_read"].status, results["03_read"].inputs) == (
        "not reproduced",
        "bit-identical",
        "recorded",
    )


@pytest.mark.parametrize(
    ("value", "status"), [(50.4, "reproduced"), (49.6, "reproduced"), (50.6, "not reproduced"), (49.4, "not reproduced")]
)
def test_a_metric_without_a_spread_is_held_to_one_percent(tmp_path: Path, value: float, status: str) -> None:
    assert again(measured(tmp_path, "validation_loss", None), value)["02_noisy"].status == status


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        (Tolerance(3.0), "reproduced"),
        (Tolerance(2.9), "not reproduced"),
        (Tolerance(0.06, True), "reproduced"),
        (Tolerance(0.0), "not reproduced"),
    ],
)
def test_a_declared_tolerance_takes_the_place_of_any_other(tmp_path: Path, tolerance: Tolerance, status: str) -> None:
    assert again(measured(tmp_path), 53.0, tolerances={"mmlu": tolerance})["02_noisy"].status == status


def test_what_measures_the_machine_is_shown_and_decides_nothing(tmp_path: Path) -> None:
    result = again(ran(tmp_path, SERVED), 5000.0)["01_served"]
    assert (result.status, [measure.rule for measure in result.measures]) == ("reproduced", ["not compared"] * 2)


SERVED = """
class Load(Artifact):
    files = ("load.json",)
    requests: int
    rate: float

    @property
    def scores(self) -> Mapping[str, Score]:
        return {"server_tokens_per_second": Score(value=self.rate), "server_latency_p95_seconds": Score(value=1 / self.rate)}

class Served(Stage[Load]):
    def run(self, work: Workspace) -> Load:
        value = float(os.environ["PDSL_TEST_VALUE"])
        (work.output / "load.json").write_text(str(value))
        return Load(requests=3, rate=value)

pipeline = Pipeline(name='p', targets=[Served()])
"""


def test_other_bytes_without_any_metric_are_not_reproduced_and_the_file_is_named(tmp_path: Path) -> None:
    text = """
class Mute(Stage[Corpus]):
    def run(self, work: Workspace) -> Corpus:
        (work.output / "a.jsonl").write_text(os.environ["PDSL_TEST_VALUE"])
        return Corpus(documents=1, characters=1)

pipeline = Pipeline(name='p', targets=[Mute()])
"""
    result = again(ran(tmp_path, text), 51.0)["01_mute"]
    assert (result.status, result.reason) == ("not reproduced", "its bytes differ (a.jsonl), and nothing in it is measured")


@pytest.mark.parametrize(("value", "status"), [(50.4, "reproduced"), (51.0, "not reproduced")])
def test_a_training_loss_in_the_metadata_is_held_to_one_percent(tmp_path: Path, value: float, status: str) -> None:
    text = """
class Tuned(Artifact):
    files = ("*",)
    recipe: str
    loss: float

class Tune(Stage[Tuned]):
    def run(self, work: Workspace) -> Tuned:
        (work.output / "weights").write_text(os.environ["PDSL_TEST_VALUE"])
        return Tuned(recipe="r", loss=float(os.environ["PDSL_TEST_VALUE"]))

pipeline = Pipeline(name='p', targets=[Tune()])
"""
    assert again(ran(tmp_path, text), value)["01_tune"].status == status


def test_a_metric_that_is_measured_no_more_is_not_reproduced(tmp_path: Path) -> None:
    text = """
class Moody(Stage[EvalReport]):
    def run(self, work: Workspace) -> EvalReport:
        (work.output / "results.json").write_text(os.environ["PDSL_TEST_VALUE"])
        scores = {"mmlu": Score(value=50.0, stderr=1.0)}
        if os.environ["PDSL_TEST_VALUE"] == "50.0":
            scores["gsm8k"] = Score(value=50.0, stderr=1.0)
        return EvalReport(model="m", suite="s", results=scores)

pipeline = Pipeline(name='p', targets=[Moody()])
"""
    result = again(ran(tmp_path, text), 1.0)["01_moody"]
    assert (result.status, result.reason) == ("not reproduced", "gsm8k 50 -> not measured, tolerance")


def test_a_stage_that_fails_is_said_to_have_failed_and_the_others_go_on(tmp_path: Path) -> None:
    results = again(measured(tmp_path), "none")  # pyright: ignore[reportArgumentType]
    assert (results["02_noisy"].status, results["03_read"].status) == ("failed", "bit-identical")
    assert "could not convert string to float" in results["02_noisy"].reason


def test_only_one_stage_is_run_where_one_is_asked_for(tmp_path: Path) -> None:
    run = ran(tmp_path, DIAMOND.format(seconds=0))
    (tmp_path / "notes").unlink()
    assert list(again(run, only="04_step")) == ["04_step"]
    assert Bench(tmp_path).notes() == ["start join", "end join"]


def test_a_pinned_stage_that_comes_out_otherwise_is_compared_like_any_other(tmp_path: Path) -> None:
    run = measured(tmp_path)
    pin = run.records["02_noisy"].output
    stages = tuple(attrs.evolve(stage, pin=pin) if stage.name == "02_noisy" else stage for stage in run.plan.stages)
    assert again(attrs.evolve(run, plan=attrs.evolve(run.plan, stages=stages)), 51.0)["02_noisy"].status == "reproduced"


# What it reads


def without(run: Original, name: str) -> None:
    """Take the files of a stage's artifact out of the store."""
    for entry in run.store.tree(run.records[name].output).files:
        run.store.blob(entry).unlink(missing_ok=True)


def test_where_the_recorded_input_is_gone_what_was_made_again_is_read_and_that_is_said(tmp_path: Path) -> None:
    run = measured(tmp_path)
    without(run, "02_noisy")
    results = again(run, 51.0)
    assert (results["02_noisy"].status, results["03_read"].inputs, results["03_read"].status) == (
        "reproduced",
        "replayed",
        "not reproduced",
    )


def test_an_input_made_again_bit_by_bit_counts_as_the_recorded_one(tmp_path: Path) -> None:
    run = measured(tmp_path)
    without(run, "02_noisy")
    results = again(run)
    assert (results["03_read"].inputs, results["03_read"].status) == ("recorded", "bit-identical")


def test_a_stage_without_its_input_is_not_replayed(tmp_path: Path) -> None:
    run = measured(tmp_path)
    without(run, "02_noisy")
    result = again(run, only="03_read")["03_read"]
    assert (result.status, "02_noisy" in result.reason) == ("not replayed", True)


def test_an_input_that_was_changed_is_refused(tmp_path: Path) -> None:
    run = measured(tmp_path)
    (entry,) = run.store.tree(run.records["02_noisy"].output).files
    run.store.blob(entry).chmod(0o644)
    run.store.blob(entry).write_text("50.1")
    with pytest.raises(DigestMismatch, match=r"results\.json"):
        again(run)


def test_what_comes_from_outside_is_taken_and_only_fetched_again_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    from pipeline_dsl.stages.local_files import tree_digest

    digest = tree_digest({"a.txt": tmp_path / "data" / "a.txt"})
    text = (
        "from pipeline_dsl.stages import LocalFiles\n"
        f"pipeline = Pipeline(name='p', targets=[LocalFiles(path={str(tmp_path / 'data')!r}, digest={digest!r}, licence='CC0-1.0')])\n"
    )
    run = ran(tmp_path, text)
    assert again(run, folder="here", only="01_local_files")["01_local_files"].status == "bit-identical"
    (tmp_path / "data" / "a.txt").write_text("b")
    assert again(run)["01_local_files"].status == "taken"
    result = again(run, folder="gone", only="01_local_files")["01_local_files"]
    assert (result.status, "are not the ones pinned" in result.reason) == ("failed", True)


def test_what_is_another_thing_whenever_it_is_fetched_is_taken(tmp_path: Path) -> None:
    text = """
class Crawl(Stage[Corpus]):
    movable = True

    def run(self, work: Workspace) -> Corpus:
        (work.output / "a.jsonl").write_text(os.environ["PDSL_TEST_VALUE"])
        return Corpus(documents=1, characters=1)

pipeline = Pipeline(name='p', targets=[Crawl()])
"""
    run = ran(tmp_path, text)
    assert again(run, 1.0)["01_crawl"].status == "taken"
    assert again(run, 1.0, "fetched", only="01_crawl")["01_crawl"].status == "not reproduced"


# What is otherwise here


def compiled(tmp_path: Path, text: str) -> Plan:
    return Bench(tmp_path).plan(text)


def differences(tmp_path: Path, before: str, after: str) -> list[str]:
    """The deviations of one pipeline from another; stage types of the test's own have one module."""
    return [str(item) for item in of_plans(compiled(tmp_path, before), compiled(tmp_path, after))]


PAIR = "one = Step(label={label!r}, steps={steps})\npipeline = Pipeline(name='p', seed={seed}, targets=[Step(label='two', reads=(one,))])\n"


def test_one_changed_field_is_named_with_its_stage_and_nothing_else_is(tmp_path: Path) -> None:
    found = differences(tmp_path, PAIR.format(label="a", steps=5, seed=1), PAIR.format(label="a", steps=6, seed=1))
    assert found == ["`01_step`: field steps: 5 in the run, 6 here"]


def test_a_field_inside_a_field_is_named_by_its_path(tmp_path: Path) -> None:
    text = """
shape = Llama(hidden={hidden}, layers=2, heads=2, kv_heads=1, ffn=64, vocabulary=320, context=64, tied=True)
from pipeline_dsl.stages import Tokenize, TrainTokenizer
from pipeline_dsl.stages.pretrain import Pretrain
text, held = Step(label='a'), Step(label='b')
tokenizer = TrainTokenizer(corpora=(text,), vocabulary=320)
train = Tokenize(tokenizer=tokenizer, corpora=(text,), length=64)
validation = Tokenize(tokenizer=tokenizer, corpora=(held,), length=64)
base = Pretrain(
    model=shape, data=train, validation=validation, tokenizer=tokenizer, tokens=6400, batch=8, learning_rate=1e-2, precision='fp32'
)
pipeline = Pipeline(name='p', targets=[base])
"""
    assert differences(tmp_path, text.format(hidden=32), text.format(hidden=64)) == [
        "`06_pretrain`: field model.hidden: 32 in the run, 64 here"
    ]


def test_the_same_pipeline_is_no_other(tmp_path: Path) -> None:
    assert differences(tmp_path, PAIR.format(label="a", steps=5, seed=1), PAIR.format(label="a", steps=5, seed=1)) == []


def test_a_seed_of_the_pipeline_is_named(tmp_path: Path) -> None:
    found = differences(tmp_path, PAIR.format(label="a", steps=5, seed=1), PAIR.format(label="a", steps=5, seed=2))
    assert found == ["pipeline seed: 1 in the run, 2 here"]


def test_a_stage_put_before_another_is_one_new_stage_however_the_numbers_move(tmp_path: Path) -> None:
    before = "pipeline = Pipeline(name='p', targets=[Step(label='two')])\n"
    after = "one = Step(label='one')\npipeline = Pipeline(name='p', targets=[one, Step(label='two')])\n"
    assert differences(tmp_path, before, after) == ["stage 01_step: nothing in the run, tests.runner.stages:Step here"]


def test_a_stage_that_is_gone_is_named(tmp_path: Path) -> None:
    before = "pipeline = Pipeline(name='p', targets=[Step(label='two'), Step(label='x')])\n"
    after = "pipeline = Pipeline(name='p', targets=[Step(label='x')])\n"
    assert differences(tmp_path, before, after) == ["`01_step`: stage 01_step: tests.runner.stages:Step in the run, nothing here"]


def test_another_input_is_named(tmp_path: Path) -> None:
    text = "a, b = Step(label='a'), Step(label='b')\npipeline = Pipeline(name='p', targets=[a, b, Step(label='c', reads=({reads},))])\n"
    found = differences(tmp_path, text.format(reads="a"), text.format(reads="b"))
    assert found == ["`03_step`: input reads[0]: 01_step in the run, 02_step here"]


def test_a_gate_is_part_of_the_pipeline(tmp_path: Path) -> None:
    text = "pipeline = Pipeline(name='p', targets=[Step(label='a')], gates=[metric('cost_total_usd') <= {usd}])\n"
    assert differences(tmp_path, text.format(usd=1), text.format(usd=2)) == [
        "pipeline gate cost_total_usd: cost_total_usd <= 1 in the run, cost_total_usd <= 2 here"
    ]


def edited(run: Original, change: Callable[[Any], object]) -> str:
    """What is said of the manifest once it was changed."""
    (path,) = run.store.layout.runs.glob("*/manifest.yaml")
    data = yaml.safe_load(path.read_text())
    change(data)
    other = path.with_name("edited.yaml")
    other.write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(DigestMismatch) as raised:
        original(other, run.store)
    return raised.value.message


Change = Callable[[Any], object]

EDITS: dict[str, tuple[Change, str]] = {
    "a field": (
        lambda data: data["stages"]["01_step"]["recipe"]["fields"].update(steps=9),
        "`01_step.recipe.fields.steps` is 9 in it, it was 5",
    ),
    "a metric": (
        lambda data: data["stages"]["02_noisy"]["metrics"].update(mmlu=99.0),
        "`02_noisy.metrics.mmlu` is 99.0 in it, it was 50.0",
    ),
    "a library": (
        lambda data: data["stages"]["01_step"]["libraries"].update(torch="9"),
        "`01_step.libraries.torch` is '9' in it, it was None",
    ),
    "an output": (lambda data: data["stages"]["01_step"].update(output_hash="sha256:0"), "`01_step.output_hash`"),
    "an input": (lambda data: data["stages"]["02_noisy"]["input_hash"].update(data="sha256:0"), "`02_noisy.input_hash.data`"),
    "the machine": (lambda data: data["stages"]["01_step"].update(hardware="8 x H100"), "`01_step.hardware`"),
    "a cost": (lambda data: data["stages"]["01_step"].update(cost_usd=0.5), "`01_step.cost_usd`"),
    "the seed": (lambda data: data.update(seed=7), "its seed is 7"),
}


@pytest.mark.parametrize("what", EDITS)
def test_whatever_is_edited_in_a_manifest_is_named_with_what_it_was(tmp_path: Path, what: str) -> None:
    change, said = EDITS[what]
    assert said in edited(measured(tmp_path), change)


OWN = "class Own(Step):\n    pass\n\npipeline = Pipeline(name='p', targets=[Own(label='x')])\n"


def code(run: Original) -> list[Deviation]:
    return of_code(run, roots(run.plan.root), guarded=True)


def module(run: Original) -> Path:
    return Path(run.plan.root, f"{run.plan.module}.py")


def test_code_that_was_changed_is_named_and_a_comment_is_no_change(tmp_path: Path) -> None:
    run = ran(tmp_path, OWN)
    file = module(run)
    file.write_text(f"# a comment\n{file.read_text()}")
    _forget()
    assert code(run) == []
    file.write_text(file.read_text() + "\nmore = 1\n")
    _forget()
    (found,) = code(run)
    assert (found.what, found.name, found.stages) == ("code", run.plan.module, ("01_own",))


def _forget() -> None:
    from pipeline_dsl.runner.code import file_digest

    file_digest.cache_clear()


def test_a_raised_version_is_named_before_anything_is_imported(tmp_path: Path) -> None:
    run = ran(tmp_path, OWN)
    module(run).write_text(module(run).read_text().replace("    pass", "    version = 2"))
    _forget()
    assert [(item.what, item.recorded, item.here) for item in code(run) if item.what == "version"] == [("version", 1, 2)]


def test_a_class_that_the_text_of_a_module_does_not_have_is_not_there(tmp_path: Path) -> None:
    run = ran(tmp_path, OWN)
    module(run).write_text("raise SystemExit('imported')\nOwn = 1\n")
    _forget()
    (found,) = code(run)
    assert (found.what, found.here) == ("code", None)


def test_another_library_python_pdsl_or_machine_is_listed(tmp_path: Path) -> None:
    run = ran(tmp_path, OWN)
    (record,) = run.records.values()
    assert of_machine({"01_own": record}) == []
    machine = attrs.evolve(record.machine, processor="another")
    other = attrs.evolve(record, libraries={"attrs": "1.0", "no-such-library": "2"}, python="3.9.1", pdsl="0.0.9", machine=machine)
    found = of_machine({"01_own": other, "02_own": other})
    assert {(item.what, item.name) for item in found} == {
        ("library", "attrs"),
        ("library", "no-such-library"),
        ("python", "version"),
        ("pdsl", "version"),
        ("hardware", "processor"),
    }
    assert all(item.stages == ("01_own", "02_own") for item in found)
    assert {item.name for item in found if item.here is None} == {"no-such-library"}
