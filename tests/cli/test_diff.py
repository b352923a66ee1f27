"""`pdsl diff`: what it compares, what it prints and how it exits."""

import gc
import io
import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline_dsl.cli import main
from pipeline_dsl.cli.formats.move import cells
from pipeline_dsl.plan.comparison import Moved
from tests.runner.bench import HEADER, Bench, environment

PIPELINE = """
data = Step(label='data')
train = Step(label='train', reads=(data,), on=Hardware(device=H100, count=8))
exam = Exam(model=train, mmlu=50.0)
pipeline = Pipeline(name='small', targets=[exam])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A git repository with one pipeline in a folder of it: as it was, committed, and as it is, a field changed."""
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "small.py").write_text(HEADER + PIPELINE)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "small"]):
        git(tmp_path, *words)
    change(tmp_path, "label='train'", "label='trained'")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "recipes" / "small.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def diff(folder: Path, *words: str | Path) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of the command, in this process: starting one takes longer than all that it does."""
    out, err = io.StringIO(), io.StringIO()
    sys.modules.pop("small", None)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["pdsl", "diff", *map(str, words)])
        patch.setattr(gc, "disable", lambda: None)
        with pytest.raises(SystemExit) as stop:
            main()
    assert isinstance(stop.value.code, int)
    return stop.value.code, out.getvalue(), err.getvalue()


def data(folder: Path, *words: str | Path, code: int = 1) -> dict[str, Any]:
    ended, out, err = diff(folder, *words, "--json")
    assert ended == code, out + err
    return json.loads(out)


SMALL = "recipes/small.py"


@pytest.mark.parametrize(
    "sides",
    [
        ("HEAD", SMALL),
        (f"HEAD:{SMALL}", SMALL),
        (f"HEAD:{SMALL}", "./recipes/small.py"),
        ("HEAD", "recipes.small"),
        ("HEAD:./recipes/small.py", SMALL),
    ],
)
def test_a_revision_is_compared_with_the_working_tree(folder: Path, sides: tuple[str, str]) -> None:
    (folder / "recipes" / "__init__.py").touch() if sides[1] == "recipes.small" else None
    before = sorted(folder.rglob("*.py"))

    found = data(folder, *sides)

    fields = {stage["new"]: [(move["field"], move["old"], move["new"]) for move in stage["fields"]] for stage in found["stages"]}
    assert fields == {"01_step": [], "02_step": [("label", "train", "trained")], "03_exam": []}
    assert found["invalidated"] == ["02_step", "03_exam"]
    assert [stage["fate"] for stage in found["stages"]] == ["same", "changed", "descendant"]
    assert sorted(folder.rglob("*.py")) == before


def test_two_revisions_take_the_file_that_one_of_them_names(folder: Path) -> None:
    git(folder, "commit", "-qam", "changed")

    assert data(folder, f"HEAD~1:{SMALL}", "HEAD")["invalidated"] == ["02_step", "03_exam"]
    assert data(folder, "HEAD~1", f"HEAD:{SMALL}")["invalidated"] == ["02_step", "03_exam"]
    assert data(folder, "HEAD", SMALL, code=0)["same"] is True


def test_in_words_it_says_what_changed_and_what_runs_again(folder: Path) -> None:
    code, out, _ = diff(folder, "HEAD", SMALL)

    assert code == 1
    assert [line.split() for line in out.splitlines() if line.startswith("  02_step  label")] == [["02_step", "label", "train", "trained"]]
    assert "2 stages invalidated: $0.00, 0 hours of H100-SXM + 0 hours of CPU-core" in out
    assert "03_exam  below 02_step" in out


def test_markdown_is_a_table_that_no_value_can_leave(folder: Path) -> None:
    change(folder, "label='trained'", "label='a|b`<img src=x>\\n| c'")

    code, out, _ = diff(folder, "HEAD", SMALL, "--markdown")

    assert code == 1
    assert out.startswith("### small: 2 stages to run again\n")
    row = next(line for line in out.splitlines() if "label" in line)
    assert row.replace("\\|", "").count("|") == 5
    assert "<img" not in out.replace("\\<img", "")


def test_the_cost_is_of_what_runs_again(folder: Path) -> None:
    change(folder, "train = Step(label='trained', reads=(data,),", "train = Dear(label='x', data=data, estimated=7200,")
    git(folder, "commit", "-qam", "dear")
    change(folder, "estimated=7200", "estimated=3600")

    found = data(folder, "HEAD", SMALL)

    assert found["cost"]["gpu_hours"]["point"] == 8
    assert found["cost"]["hours"]["H100-SXM"]["point"] == 8
    assert found["cost"]["seconds"]["point"] == 3600
    assert found["cost"]["usd"]["point"] > 8


def test_a_saved_plan_and_a_module_are_sides_too(folder: Path) -> None:
    bench = Bench(folder)
    assert bench.pdsl("plan", SMALL, "--out", "plan.json").returncode == 0

    assert data(folder, "plan.json", SMALL, code=0)["same"] is True
    assert data(folder, f"HEAD:{SMALL}", "plan.json")["invalidated"] == ["02_step", "03_exam"]


def test_a_proposal_is_a_side_and_so_is_one_of_a_revision(folder: Path) -> None:
    file = folder / "recipes" / "proposal.yaml"
    assert Bench(folder).pdsl("plan", SMALL, "--manifest", file).returncode == 0
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "proposed")
    file.write_text(file.read_text().replace("trained", "trained again"))

    found = data(folder, "HEAD", "recipes/proposal.yaml")

    assert found["invalidated"] == ["02_step", "03_exam"]
    assert [move["new"] for stage in found["stages"] for move in stage["fields"]] == ["trained again"]


def test_nothing_that_differs_exits_0(folder: Path) -> None:
    git(folder, "commit", "-qam", "changed")
    code, out, _ = diff(folder, "HEAD", SMALL)

    assert (code, "Nothing differs" in out) == (0, True)


def test_a_pipeline_that_does_not_compile_is_shown_with_its_findings(folder: Path) -> None:
    change(folder, "mmlu=50.0", "mmlu='x'")
    code, out, err = diff(folder, "HEAD", SMALL)

    assert (code, out) == (1, "")
    assert "error[PDSL" in err


@pytest.mark.parametrize(
    ("sides", "reason"),
    [
        (("HEAD", "HEAD"), "of which pipeline"),
        (("HEAD~9:recipes/small.py", SMALL), "there is no revision `HEAD~9`"),
        (("HEAD:recipes/none.py", SMALL), "did not exist at HEAD"),
        (("HEAD", "none.py"), "there is no file"),
        (("none.json", SMALL), "cannot read none.json"),
        (("none.yaml", SMALL), "cannot read none.yaml"),
        (("HEAD", "none.yaml"), "does not say which file"),
        ((SMALL, SMALL, "--json", "--markdown"), "two formats"),
        (("--upload-pack=x:small.py", SMALL), ""),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_way_out(folder: Path, sides: tuple[str, ...], reason: str) -> None:
    code, out, err = diff(folder, *sides)

    assert (code, out, reason in err, "Traceback" in err) == (2, "", True, False), err


def test_a_revision_that_does_not_compile_says_why(folder: Path) -> None:
    change(folder, "mmlu=50.0", "mmlu='x'")
    git(folder, "commit", "-qam", "broken")
    change(folder, "mmlu='x'", "mmlu=50.0")
    code, _, err = diff(folder, "HEAD", SMALL)

    assert code == 2
    assert "does not compile as it was at HEAD" in err
    assert "error[PDSL" in err


# Two runs.


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which three versions of a pipeline ran: `one`, `two` with a better score, `three` with one within its noise."""
    bench = Bench(tmp_path_factory.mktemp("runs"))
    for name, mmlu in (("one", 50.0), ("two", 60.0), ("three", 61.0)):
        outcome = bench.run(PIPELINE.replace("on=Hardware(device=H100, count=8)", "").replace("50.0", str(mmlu)))
        assert outcome.fault is None
        (bench.folder / name).symlink_to(outcome.manifest.parent)
    return bench.folder


def test_of_two_runs_it_says_which_metrics_moved_beyond_noise(runs: Path) -> None:
    found = data(runs, "one", "two")
    mmlu = next(metric for metric in found["metrics"] if metric["metric"] == "mmlu")
    assert (mmlu["old"], mmlu["new"], mmlu["beyond"], mmlu["claimed"]) == (50.0, 60.0, True, False)
    assert found["red_flags"] == []
    assert found["costs"][0]["measured"] is True

    code, out, _ = diff(runs, "two/manifest.yaml", "three")
    assert code == 1
    assert "within noise" in metric_row(out)


def metric_row(out: str) -> str:
    """The line of the score, below the one of the field of that name."""
    return [line for line in out.splitlines() if " mmlu " in line][-1]


def test_a_run_is_the_same_as_itself(runs: Path) -> None:
    code, out, _ = diff(runs, "one", "one")

    assert (code, "Nothing differs, but cost and wall clock" in out) == (0, True)


def test_a_manifest_that_was_committed_is_a_side(runs: Path, tmp_path: Path) -> None:
    shutil.copy(runs / "one" / "manifest.yaml", tmp_path / "manifest.yaml")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        git(tmp_path, *words)
    shutil.copy(runs / "two" / "manifest.yaml", tmp_path / "manifest.yaml")

    found = data(tmp_path, "HEAD", "manifest.yaml", "--store", runs / ".pdsl")

    assert [metric["beyond"] for metric in found["metrics"] if metric["metric"] == "mmlu"] == [True]
    assert found["old"]["run"]["confirmed"] == ["01_step", "02_step", "03_exam"]


def test_a_run_is_compared_with_what_would_run(runs: Path) -> None:
    path = next(path for path in runs.glob("*.py") if "mmlu=60.0" in path.read_text())

    with environment(PDSL_STORE=str(runs / ".pdsl")):
        assert data(runs, "two", path.name, code=0)["same"] is True
        assert data(runs, "one", path.name)["invalidated"] == ["03_exam"]


def tampered(runs: Path, folder: Path) -> Path:
    """A copy of the runs and their store in which a manifest claims a better score."""
    shutil.copytree(runs, folder, symlinks=True, dirs_exist_ok=True)
    for name in ("one", "two", "three"):
        (folder / name).unlink()
        (folder / name).symlink_to(folder / (runs / name).resolve().relative_to(runs.resolve()))
    path = folder / "two" / "manifest.yaml"
    manifest = yaml.safe_load(path.read_text())
    manifest["stages"]["03_exam"]["metrics"]["mmlu"] = 99.0
    path.write_text(yaml.safe_dump(manifest, sort_keys=False))
    return path


def test_a_manifest_against_its_store_exits_4_and_the_store_is_believed(runs: Path, tmp_path: Path) -> None:
    tampered(runs, tmp_path)

    found = data(tmp_path, "one", "two", code=4)

    assert [(flag["cause"], flag["stage"]) for flag in found["red_flags"]] == [("claim", "03_exam")]
    assert next(metric["new"] for metric in found["metrics"] if metric["metric"] == "mmlu") == 60.0


def test_manifests_without_a_store_are_only_claimed_and_said_to_be(runs: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copy(runs / name / "manifest.yaml", tmp_path / f"{name}.yaml")

    code, out, _ = diff(tmp_path, "one.yaml", "two.yaml")

    assert code == 1
    assert "only claimed: the store has none of it" in out
    assert "only claimed" in metric_row(out)
    assert "what that costs is not known" in out
    assert [line.split()[:2] for line in out.splitlines() if "mmlu  50.0  60.0" in line] == [["03_exam", "mmlu"]]


def test_a_loosened_gate_is_a_red_flag(tmp_path: Path) -> None:
    from tests.gates.test_verdict import shipping

    bench = Bench(tmp_path)
    old, new = bench.write(shipping(), "strict"), bench.write(shipping(more=-5), "lax")

    found = data(tmp_path, old, new)

    assert [(flag["cause"], "looser" in flag["text"]) for flag in found["red_flags"]] == [("gate", True)]
    assert [gate["field"] for gate in found["gates"]] == ["mmlu"]
    assert found["invalidated"] == []


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a word", "another", ("a word", "another")),
        ("128", 128, ('"128"', "128")),
        ("true", True, ('"true"', "true")),
        (1, 1.0, ("1", "1.0")),
        (None, "", ("null", '""')),
        ("x\x1b[31m", "y", ('"x\\u001b[31m"', "y")),
    ],
)
def test_two_values_that_differ_never_look_the_same(old: Any, new: Any, shown: tuple[str, str]) -> None:
    assert cells(Moved(field="f", old=old, new=new)) == ("f", *shown)


def test_long_values_are_shown_where_they_differ() -> None:
    _, was, is_ = cells(Moved(field="f", old="a" * 500 + "b" + "c" * 500, new="a" * 500 + "d" + "c" * 500))

    assert was != is_
    assert max(len(was), len(is_)) < 150
