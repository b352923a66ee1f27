"""Runs as an experiment tracker has them: MLflow's own client and store, told by pipelines in processes of their own."""

import io
import json
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pipeline_dsl.ml.rank import CURVE, write_progress
from pipeline_dsl.runner import tracker, tracking
from pipeline_dsl.runner.tracker import Closing, Curve, Opening, Told
from tests.runner.bench import Bench, timeless
from tests.runner.killing import left_behind, start, until

pytestmark = pytest.mark.stages

PAIR = "pipeline = Pipeline(name='pair', targets=[Step(label='b', reads=(Step(label='a'),))])"


class Server:
    """MLflow's store in a folder, and what it has of one experiment."""

    def __init__(self, folder: Path) -> None:
        self.settings = {"MLFLOW_TRACKING_URI": f"file://{folder}/mlruns", "MLFLOW_ALLOW_FILE_STORE": "true"}

    @property
    def client(self) -> Any:
        return pytest.importorskip("mlflow.tracking").MlflowClient(self.settings["MLFLOW_TRACKING_URI"])

    def runs(self, experiment: str) -> dict[str, Any]:
        """Each run by its name; no two of a name."""
        found = self.client.search_runs([self.client.get_experiment_by_name(experiment).experiment_id])
        runs = {run.info.run_name: run for run in found}
        assert len(runs) == len(found)
        return runs

    def curve(self, run: Any, metric: str) -> list[tuple[int, float]]:
        return [(point.step, point.value) for point in self.client.get_metric_history(run.info.run_id, metric)]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return Server(tmp_path)


def test_every_stage_is_a_run_with_its_curve_below_the_run_of_its_plan(tmp_path: Path, server: Server) -> None:
    bench = Bench(tmp_path)
    bench.write(PAIR.replace("label='b'", "label='b', steps=3"), "ours")
    ended = bench.pdsl("run", "ours.py", "--json", **server.settings)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["ran"] == 2
    manifest, runs = bench.manifest(), server.runs("pair")

    whole = runs.pop(f"pair {manifest['plan'].removeprefix('sha256:')[:12]}")
    assert set(runs) == set(manifest["stages"])
    assert whole.info.status == "FINISHED"
    assert whole.data.tags["mlflow.user"] == manifest["author"]
    assert whole.data.params | {"seed": str(manifest["seed"]), "step.label": "a", "step_2.steps": "3"} == whole.data.params
    assert server.curve(runs["01_step"], "loss") == [(step, 1 / step) for step in range(1, 6)]
    assert server.curve(runs["02_step"], "loss") == [(step, 1 / step) for step in range(1, 4)]
    for place, (name, run) in zip(("step", "step_2"), sorted(runs.items()), strict=True):
        entry = manifest["stages"][name]
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert run.data.tags["pdsl.output"] == entry["output_hash"]
        assert run.data.params["label"] == entry["recipe"]["fields"]["label"]
        assert run.data.metrics["wall_clock_sec"] == whole.data.metrics[f"{place}/wall_clock_sec"] == entry["wall_clock_sec"]
        assert run.data.metrics["documents"] == (5 if place == "step" else 3)
    assert not list(tmp_path.rglob(CURVE))

    again = bench.pdsl("stage", "run", "01_step", "--plan", str(next(tmp_path.glob(".pdsl/runs/*/plan.json"))), **server.settings)
    assert again.returncode == 0, again.stderr
    assert server.runs("pair").keys() == {whole.info.run_name, *runs}, "what is cached is no run"


def test_a_stage_that_fails_and_is_run_again_goes_on_with_its_run(tmp_path: Path, server: Server) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='fragile', targets=[Careless(how='raises', before=1)])", "ours")
    ended = bench.pdsl("run", "ours.py", **server.settings)
    assert ended.returncode == 5, ended.stderr
    failed = server.runs("fragile")
    assert {run.info.status for run in failed.values()} == {"FAILED"}
    assert "ZeroDivisionError: nothing to divide by" in failed["01_careless"].data.tags["pdsl.error"]

    ended = bench.pdsl("run", "ours.py", **server.settings)
    assert ended.returncode == 0, ended.stderr
    done = server.runs("fragile")
    assert {name: (run.info.run_id, run.info.status) for name, run in done.items()} == {
        name: (run.info.run_id, "FINISHED") for name, run in failed.items()
    }
    assert not [tag for run in done.values() for tag in run.data.tags if tag in ("pdsl.error", "pdsl.fault", "pdsl.reason")]

    ended = bench.pdsl("run", "ours.py", "--from", "01_careless", **server.settings)
    assert ended.returncode == 5, ended.stderr
    found = server.client.search_runs([done["01_careless"].info.experiment_id])
    assert sorted(run.info.run_name for run in found) == sorted([*done, "01_careless"]), "made anew, it is a run of its own"


def test_a_run_that_is_killed_says_so_and_goes_on_with_its_curve(tmp_path: Path, server: Server) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='long', targets=[Step(label='a', steps=40, seconds=20)])", "ours")
    started = start(("run", "ours.py"), cwd=tmp_path, **server.settings, **bench.environment)
    until(lambda: list(tmp_path.glob("mlruns/*/*/metrics/loss")), started, within=90)
    ended = started.end(signal.SIGKILL)
    assert left_behind(ended.mark) == []
    killed = server.runs("long")["01_step"]
    before = server.curve(killed, "loss")
    assert killed.info.status == "KILLED"
    assert before

    again = bench.pdsl("run", "ours.py", **server.settings)
    assert again.returncode == 0, again.stderr
    run = server.runs("long")["01_step"]
    assert (run.info.run_id, run.info.status) == (killed.info.run_id, "FINISHED")
    after = server.curve(run, "loss")
    assert after[: len(before)] == before
    assert after == sorted(after)
    assert after[-1] == (40, 1 / 40)


def test_jobs_of_a_cluster_meet_below_one_run(tmp_path: Path, server: Server) -> None:
    bench = Bench(tmp_path)
    bench.write(PAIR, "ours")
    assert bench.pdsl("plan", "ours.py", "--out", "plan.json").returncode == 0
    for words in (("run", "01_step"), ("run", "02_step"), ("manifest",)):
        ended = bench.pdsl("stage", *words, "--plan", "plan.json", **server.settings, MLFLOW_EXPERIMENT_NAME="all of ours")
        assert ended.returncode == 0, ended.stderr
    assert Path(ended.stdout.strip()).name == "manifest.yaml", "what a command prints is its own"
    runs = server.runs("all of ours")

    assert len(runs) == 3
    (whole,) = [run for name, run in runs.items() if name.startswith("pair ")]
    assert {runs[name].data.tags["mlflow.parentRunId"] for name in ("01_step", "02_step")} == {whole.info.run_id}


def test_a_server_that_is_away_costs_a_warning(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write("pipeline = Pipeline(name='one', targets=[Step(label='a')])", "ours")
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    assert bench.pdsl("plan", "ours.py", "--out", "plan.json").returncode == 0
    ended = bench.pdsl("stage", "run", "01_step", "--plan", "plan.json", **away)

    assert ended.returncode == 0, ended.stderr
    assert "warning: 01_step is not tracked for now: " in ended.stderr


def test_a_server_that_never_answers_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(tracking, "_PATIENCE", 1.0)
        bench = Bench(tmp_path)
        outcome = bench.run("pipeline = Pipeline(name='one', targets=[Step(label='a')])")

    assert outcome.fault is None
    assert "is not tracked to its end: what MLFLOW_TRACKING_URI names did not answer in time" in logged(bench)


def test_what_cannot_be_told_changes_nothing_of_what_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "pipeline = Pipeline(name='two', targets=[Step(label='b', reads=(Step(label='a'),))])"
    untold, told = Bench(tmp_path / "untold"), Bench(tmp_path / "told")
    for bench in (untold, told):
        bench.folder.mkdir()
    assert untold.run(text).fault is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(tracking, "_start", full)
    assert told.run(text).fault is None

    assert "is not tracked to its end: OSError: no room for another process" in logged(told)
    assert timeless(told.manifest()) == timeless(untold.manifest())


def full(descriptor: int | None) -> None:
    raise OSError("no room for another process")


def logged(bench: Bench) -> str:
    """What all stages printed."""
    return "".join(path.read_text() for path in bench.folder.glob(".pdsl/logs/*.log"))


def test_nobody_asked_nothing_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(tracking, "_start", None)
    bench = Bench(tmp_path)

    assert bench.run("pipeline = Pipeline(name='one', targets=[Step(label='a')])").fault is None


def test_what_a_server_missed_is_sent_when_it_is_back(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.settings["MLFLOW_TRACKING_URI"])
    opening = Opening(experiment="e", name="n", start=time.time(), identity={"pdsl.key": "k"}, tags={}, params={"a/../b": "1"})
    told, reach = Told(opening), tracker.reach
    monkeypatch.setattr(tracker, "reach", lambda: away())

    assert not told.send(iter([("loss", 3.0, 1000, 1)]), monitored=False)
    assert not told.send(iter([("loss", 2.0, 2000, 2)]), monitored=False)
    monkeypatch.setattr(tracker, "reach", reach)
    assert told.send(iter([("loss", 1.0, 3000, 3)]), monitored=False)
    assert told.close(Closing(status="FINISHED", metrics={"loss": 0.5, "none": float("nan")}), iter(()), 4)

    run = server.runs("e")["n"]
    assert server.curve(run, "loss") == [(1, 3.0), (2, 2.0), (3, 1.0), (4, 0.5)]
    assert set(run.data.metrics) == {"loss"}
    assert capfd.readouterr().err.count("warning") == 1


def away() -> Any:
    raise ConnectionError("nobody answers")


def test_a_figure_is_told_when_it_changes_and_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / CURVE
    write_progress(tmp_path / "progress.json", 0, 9, {"loss": 9.0})
    assert not file.exists(), "nobody follows"
    file.touch()
    with file.open("rb") as source:
        curve = Curve(source)
        for step, loss, found in ((1, 3.0, 0.5), (2, 2.0, 0.5), (3, float("inf"), 0.5), (4, 2.0, 0.5)):
            write_progress(tmp_path / "progress.json", step, 9, {"loss": loss, "found": found})
        seen = [(name, value, step) for name, value, _, step in curve.points()]
        assert seen == [("loss", 3.0, 1), ("found", 0.5, 1), ("loss", 2.0, 2)]
        assert [(name, value, step) for name, value, _, step in curve.points(last=True)] == [("loss", 2.0, 4), ("found", 0.5, 4)]


def test_what_makes_no_sense_is_left_out() -> None:
    lines = ["{", "[]", '{"step": "x", "time": 1, "figures": {}}', '{"step": 1, "time": 1.0, "figures": {"a": null, "b": true, "c": "1"}}']
    lines += [f'{{"step": 2, "time": 1.0, "figures": {{"huge": {10**400}, "loss": 2, "inf": Infinity, "nan": NaN}}}}', "[" * 100_000]

    assert list(Curve(io.BytesIO("\n".join([*lines, ""]).encode())).points(last=True)) == [("loss", 2.0, 1000, 2)]


@given(st.lists(st.tuples(st.integers(0, 99), st.floats(-9, 9)), max_size=20), st.integers(1, 40))
def test_lines_that_come_in_parts_are_read_whole(points: list[tuple[int, float]], size: int) -> None:
    lines = "".join(json.dumps({"step": step, "time": 1.0, "figures": {"x": value}}) + "\n" for step, value in points).encode()
    whole, parts = Curve(io.BytesIO(lines)), Curve(Parts(lines, size))

    expected = [*whole.points(), *whole.points(last=True)]
    assert [point for _ in range(len(lines) // size + 1) for point in parts.points()] + [*parts.points(last=True)] == expected


class Parts(io.BytesIO):
    """A file that is being written: each read finds so many bytes more."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.size)


@given(st.text(max_size=300))
def test_every_name_is_one_that_the_tracker_takes(name: str) -> None:
    validation = pytest.importorskip("mlflow.utils.validation")

    validation._validate_metric_name(tracker.plain(name))
    validation._validate_param_name(tracker.plain(name))
    assert len(tracker.plain(name)) <= validation.MAX_ENTITY_KEY_LENGTH
