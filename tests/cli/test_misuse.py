"""Every command that is handed what it cannot use says so, in words and by its exit code, and never by a traceback."""

import gc
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pipeline_dsl.cli import main
from pipeline_dsl.cli.app import COMMANDS
from tests.command import ROOT
from tests.runner.bench import Bench

READERS = [
    "check X",
    "check --format sarif X",
    "plan X",
    "compile X --out made",
    "cost X",
    "run X",
    "run X --json",
    "submit X --backend slurm --dry-run",
    "cancel X",
    "gate X",
    "override X --reviewer ada --reason r --gate g",
    "exempt X --reviewer ada --reason r --item i",
    "log --store X/below",
    "review X",
    "review good.yaml --against X",
    "review good.yaml --types X",
    "serve X",
    "export X --out made",
    "attest X --out made --key X",
    "verify X --key X",
    "card X",
    "diff X X",
    "diff HEAD:X good.yaml",
    "rollback X --failed 1",
    "bundle X --out made.tar.gz",
    "replay X --plan-only",
    "status X",
    "logs stage --manifest X",
    "graph X",
    "store ls --store X/below",
    "store verify --store X/below",
    "store gc --dry-run --store X/below",
    "stage run stage --plan X",
    "stage manifest --plan X",
]
"""Commands that read something, X."""

ALONE = {"init", "explain", "generate"}
"""The others: `init` reads nothing of anybody's, `explain` no file, and `generate` makes its reference whatever it is given."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one thing of every kind that is no pipeline, plan, manifest, bundle, key or store."""
    made = tmp_path_factory.mktemp("misuse")
    (made / "good.yaml").write_bytes((ROOT / "tests" / "reviews" / "good_by_hand.yaml").read_bytes())
    for suffix in ("", ".py", ".json", ".yaml", ".tar.gz"):
        (made / f"empty{suffix}").write_bytes(b"")
        (made / f"binary{suffix}").write_bytes(bytes(range(256)))
        (made / f"folder{suffix}").mkdir()
    (made / "deep.json").write_text("[" * 100_000)
    (made / "list.json").write_text("[1, 2]")
    (made / "figures.json").write_text('{"digest": NaN, "content": 1e999, "plan": {"schema": 1, "stages": [NaN]}}')
    (made / "deep.yaml").write_text("[\n" * 3000)
    (made / "other.yaml").write_text("apiVersion: v1\n")
    (made / "half.yaml").write_text("manifest_version: 1\nplan: sha256:zz\nstages: {}\n")
    (made / "raises.py").write_text("1 / 0\n")
    (made / "none.py").write_text("x = 1\n")
    return made


def pdsl(folder: Path, *words: str) -> tuple[int, str]:
    """(exit code, what it said) of the command, in this process: starting one takes longer than all that it does."""
    said = io.StringIO()
    before = sys.path[:], set(sys.modules)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["pdsl", *words])
        patch.setattr(gc, "disable", lambda: None)
        with pytest.raises(SystemExit) as stop:
            main()
    sys.path[:] = before[0]
    for name in set(sys.modules) - before[1]:
        if str(folder) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
    assert isinstance(stop.value.code, int)
    return stop.value.code, said.getvalue()


def refused(folder: Path, words: Sequence[str]) -> str:
    code, said = pdsl(folder, *words)
    assert code in (1, 2, 4), (words, code, said)
    assert said.strip(), words
    assert "Traceback" not in said, (words, said)
    return said


def test_every_command_is_here() -> None:
    assert {line.split()[0] for line in READERS} | ALONE == set(COMMANDS)


@pytest.mark.parametrize("line", READERS)
def test_what_a_command_cannot_read_it_says(folder: Path, line: str) -> None:
    things = [path.name for path in folder.iterdir() if path.name != "good.yaml"]
    for thing in (*things, "nothing", "nothing.yaml", "empty/below.json", "empty/below.yaml", "x" * 300, "a\nb.yaml", ""):
        refused(folder, [word.replace("X", thing) if "X" in word else word for word in line.split()])


@pytest.mark.parametrize(("place", "said"), [("folder", "is a folder"), ("", "is a folder"), ("empty/below", "cannot write empty/below: ")])
@pytest.mark.parametrize("option", ["--out", "--manifest"])
def test_where_no_file_can_be_written_a_plan_is_not(folder: Path, place: str, said: str, option: str) -> None:
    Bench(folder).write("pipeline = Pipeline(name='p', targets=[Step(label='a')])\n", "right")
    assert said in refused(folder, ["plan", "right.py", option, place])
    assert "cannot write" in refused(folder, ["init", "empty"])


@pytest.mark.parametrize("line", ["card", "gate", "export --out made", "cancel", "status", "bundle --out made.tar.gz"])
def test_where_nothing_was_run_it_is_said_so(folder: Path, line: str) -> None:
    assert "nothing was run here yet" in refused(folder, line.split())


@pytest.mark.parametrize("line", ["log", "log --verify", "store ls", "store verify", "store gc"])
def test_a_store_that_is_not_there_is_no_store_in_which_all_is_well(folder: Path, line: str) -> None:
    assert "there is no store nowhere" in refused(folder, [*line.split(), "--store", "nowhere"])


def test_a_manifest_that_is_not_there_is_not_taken_for_one_that_was_not_submitted(folder: Path) -> None:
    assert "cannot read nothing.yaml: there is no such file" in refused(folder, ["cancel", "nothing.yaml"])
    assert "cannot read folder/manifest.yaml" in refused(folder, ["cancel", "folder"])


def test_a_review_is_held_against_what_is_a_manifest_and_a_store_that_is_there(folder: Path) -> None:
    assert "it has no stages" in refused(folder, ["review", "good.yaml", "--against", "other.yaml"])
    assert "there is no store nothing" in refused(folder, ["review", "good.yaml", "--store", "nothing"])


def test_what_a_file_is_not_is_said_in_words(folder: Path) -> None:
    assert "list.json is not a plan: it does not have the parts of one" in refused(folder, ["plan", "list.json"])
    assert "cannot read folder.json: Is a directory\n" in refused(folder, ["plan", "folder.json"])
    assert "cannot read binary.json: it is not UTF-8 text\n" in refused(folder, ["plan", "binary.json"])


def test_what_the_system_says_of_a_path_is_no_bug_of_ours_and_what_goes_wrong_in_us_is(folder: Path) -> None:
    assert "File name too long" in refused(folder, ["gate", "x" * 300])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline_dsl.plan.plan.read", _broken)
        code, said = pdsl(folder, "plan", "list.json")
    assert (code, "this is a bug of pdsl" in said, "Traceback" in said) == (70, True, True)


def _broken(path: Path) -> None:
    raise KeyError(path)
