"""A bundle, carried to a folder that has nothing else, and what `pdsl replay` says of it there."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import pytest

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.replay import tolerance_of
from tests.command import ROOT, pdsl

PARTS = '''
import os
from pathlib import Path

from pipeline_dsl import Corpus, EvalReport, Ref, Score, Stage, Workspace
from words import WORDS

if "MARK" in os.environ:
    Path(os.environ["MARK"]).touch()


class Words(Stage[Corpus]):
    """Writes words."""

    count: int = 4

    def run(self, work: Workspace) -> Corpus:
        (work.output / "a.jsonl").write_text(" ".join(WORDS * self.count))
        return Corpus(documents=self.count, characters=1)


class Exam(Stage[EvalReport]):
    """Measures something that is never the same."""

    words: Ref[Corpus]
    spread: float = 0.0

    def run(self, work: Workspace) -> EvalReport:
        value = 50 + float(os.environ.get("OFF", "0"))
        (work.output / "results.json").write_text(f"{value}")
        return EvalReport(model=work.digest(self.words), suite="s", results={"mmlu": Score(value=value, samples=400, stderr=2.5)})
'''

PIPELINE = """from pipeline_dsl import Pipeline
from parts import Exam, Words

pipeline = Pipeline(name='demo', targets=[Exam(words=Words(count={count}))])
"""


@attrs.frozen
class Place:
    """A folder in which commands are run."""

    folder: Path

    def pdsl(self, *words: str | Path, code: int = 0, **environment: Any) -> "subprocess.CompletedProcess[str]":
        done = pdsl(*words, cwd=self.folder, timeout=300, **environment)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *words: str | Path, code: int = 0, **environment: Any) -> Any:
        return json.loads(self.pdsl(*words, "--json", code=code, **environment).stdout)

    def statuses(self, *words: str | Path, code: int = 0, **environment: Any) -> dict[str, str]:
        return {result["stage"]: result["status"] for result in self.json("replay", *words, code=code, **environment)["results"]}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project with a finished run and its bundle, which no test changes."""
    place = Place(tmp_path_factory.mktemp("project"))
    (place.folder / "parts.py").write_text(PARTS)
    (place.folder / "words.py").write_text("WORDS = ['a', 'b']\n")
    (place.folder / "demo.py").write_text(PIPELINE.format(count=4))
    place.pdsl("run", "demo.py", OFF="0", SECRET="geheim-in-the-environment")
    place.pdsl("bundle", "--out", "demo.tar.zst", SECRET="geheim-in-the-environment")
    place.pdsl("bundle", "--out", "demo.tar.gz", PYTHONHASHSEED="7")
    return place


@pytest.fixture
def bundle(project: Place) -> Path:
    return project.folder / "demo.tar.zst"


@pytest.fixture
def empty(tmp_path: Path) -> Place:
    (tmp_path / "empty").mkdir()
    return Place(tmp_path / "empty")


@pytest.fixture
def copy(project: Place, tmp_path: Path) -> Place:
    """The project in a folder of the test's own; its store is the same run's."""
    shutil.copytree(project.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


def test_in_an_empty_folder_deterministic_stages_are_bit_identical(empty: Place, bundle: Path) -> None:
    assert empty.statuses(bundle, "--trust") == {"01_words": "bit-identical", "02_exam": "bit-identical"}


def test_a_noisy_stage_is_reproduced_and_one_that_leaves_its_interval_is_not(empty: Place, bundle: Path) -> None:
    assert empty.statuses(bundle, "--trust", OFF="6")["02_exam"] == "reproduced"
    done = empty.pdsl("replay", bundle, "--trust", code=1, OFF="7.5")
    assert "mmlu 50 -> 57.5, interval [43.07, 56.93]: 0.57 percent outside" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("not reproduced: 1 bit-identical, 1 not reproduced")


def test_a_tolerance_of_one_s_own_takes_the_place_of_the_interval(empty: Place, bundle: Path) -> None:
    assert empty.statuses(bundle, "--trust", "--tolerance", "mmlu=20%", OFF="7.5")["02_exam"] == "reproduced"
    assert empty.statuses(bundle, "--trust", "--tolerance", "mmlu=0.1", code=1, OFF="0.2")["02_exam"] == "not reproduced"


@pytest.mark.parametrize("text", ["mmlu", "mmlu=", "=3", "mmlu=-1", "mmlu=nan", "mmlu=inf", "mmlu=1e999", "mmlu=1 %x"])
def test_a_tolerance_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="is no tolerance"):
        tolerance_of(text)


def test_the_code_of_a_bundle_is_neither_run_nor_imported_until_it_is_trusted(empty: Place, bundle: Path) -> None:
    mark = str(empty.folder / "mark")
    assert "--trust" in empty.pdsl("replay", bundle, code=2, MARK=mark).stderr
    empty.pdsl("replay", bundle, "--plan-only", code=1, MARK=mark)
    assert [path for path in empty.folder.rglob("*") if path.is_file()] == []  # nor is anything left of it
    empty.pdsl("replay", bundle, "--trust", MARK=mark)
    assert (empty.folder / "mark").exists()


def test_stages_of_pdsl_itself_need_no_trust(tmp_path: Path, empty: Place) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    from pipeline_dsl.stages.local_files import tree_digest

    digest = tree_digest({"a.txt": tmp_path / "data" / "a.txt"})
    (tmp_path / "files.py").write_text(
        "from pipeline_dsl import Pipeline\nfrom pipeline_dsl.stages import LocalFiles\n"
        f"pipeline = Pipeline(name='files', targets=[LocalFiles(path='data', digest={digest!r}, licence='CC0-1.0')])\n"
    )
    place = Place(tmp_path)
    place.pdsl("run", "files.py")
    place.pdsl("bundle", "--only-inputs", "--out", "f.tar.zst")
    assert empty.statuses(tmp_path / "f.tar.zst") == {"01_local_files": "taken"}


def test_in_the_project_s_own_folder_its_own_modules_are_run(copy: Place) -> None:
    assert copy.statuses("demo.tar.zst") == {"01_words": "bit-identical", "02_exam": "bit-identical"}


def test_code_of_one_s_own_that_is_another_is_named_and_what_came_of_it_shown(copy: Place) -> None:
    (copy.folder / "words.py").write_text("WORDS = ['a', 'c']\n")
    done = copy.pdsl("replay", "demo.tar.zst", code=1)
    assert "code words: sha256:" in done.stdout
    assert "01_words  not reproduced  its bytes differ (a.jsonl)" in done.stdout
    assert copy.statuses("demo.tar.zst", "--trust") == {"01_words": "bit-identical", "02_exam": "bit-identical"}


def test_with_one_changed_field_it_says_which_field_of_which_stage(copy: Place) -> None:
    (copy.folder / "changed.py").write_text(PIPELINE.format(count=5))
    found = copy.json("replay", "--pipeline", "changed.py", code=1)
    assert [(item["what"], item["name"], item["recorded"], item["here"], item["stages"]) for item in found["deviations"]] == [
        ("field", "count", 4, 5, ["01_words"])
    ]
    assert {result["stage"]: result["status"] for result in found["results"]} == {"01_words": "different", "02_exam": "bit-identical"}
    assert found["verdict"] == "different"


def test_an_edited_manifest_is_refused_with_the_field_that_was_edited(copy: Place) -> None:
    (path,) = copy.folder.glob(".pdsl/runs/*/manifest.yaml")
    path.write_text(path.read_text().replace("count: 4", "count: 5"))
    assert "`01_words.recipe.fields.count` is 5 in it, it was 4" in copy.pdsl("replay", path, code=4).stderr
    assert "`01_words.recipe.fields.count`" in copy.pdsl("bundle", "--out", "x.tar.zst", code=4).stderr
    assert not (copy.folder / "x.tar.zst").exists()


def test_a_raised_version_makes_it_another_stage(copy: Place) -> None:
    text = (copy.folder / "parts.py").read_text()
    (copy.folder / "parts.py").write_text(text.replace("    count: int = 4", "    version = 2\n    count: int = 4"))
    assert copy.statuses(code=1) == {"01_words": "different", "02_exam": "bit-identical"}


def test_a_field_that_the_class_no_longer_has_is_named(copy: Place) -> None:
    text = (copy.folder / "parts.py").read_text()
    (copy.folder / "parts.py").write_text(text.replace("    spread: float = 0.0\n", ""))
    found = copy.json("replay", code=1)
    assert {"what": "field", "name": "spread", "recorded": 0.0, "here": None, "stages": ["02_exam"], "decisive": True} in found[
        "deviations"
    ]


def test_a_changed_byte_in_the_store_is_exit_code_4(copy: Place) -> None:
    blob = next(path for path in copy.folder.glob(".pdsl/store/blobs/*/*") if path.read_bytes().startswith(b"a b"))
    blob.chmod(0o644)
    blob.write_bytes(b"x" + blob.read_bytes()[1:])
    assert "a.jsonl" in copy.pdsl("replay", code=4).stderr
    assert "is not sha256:" in copy.pdsl("bundle", "--out", "x.tar.gz", code=4).stderr


def test_a_changed_byte_in_a_bundle_is_exit_code_4_and_nothing_of_it_stays(empty: Place, bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    (empty.folder / "x.tar.zst").write_bytes(data)
    empty.pdsl("replay", "x.tar.zst", "--trust", code=4)
    empty.pdsl("replay", "x.tar.zst", "--plan-only", code=4)
    assert [path.name for path in empty.folder.rglob("*") if path.is_file()] == ["x.tar.zst"]


def test_the_bundle_that_was_meant_can_be_asked_for_by_its_digest(project: Place, empty: Place, bundle: Path) -> None:
    digest = empty.json("replay", bundle, "--plan-only", "--trust")["bundle"]
    assert project.pdsl("bundle", "--out", empty.folder / "same.tar.gz").stdout.splitlines()[-1] == digest
    assert "not sha256:0" in empty.pdsl("replay", bundle, "--plan-only", "--digest", "sha256:0", code=4).stderr


def test_the_same_run_gives_the_same_bytes_whatever_the_time_and_the_hash_seed(project: Place, tmp_path: Path) -> None:
    project.pdsl("bundle", "--out", tmp_path / "x.tar.gz", PYTHONHASHSEED="1", TZ="Asia/Tokyo")  # the other was 7's
    assert (tmp_path / "x.tar.gz").read_bytes() == (project.folder / "demo.tar.gz").read_bytes()


def test_no_value_of_the_environment_is_in_a_bundle(project: Place) -> None:
    tar = gzip.decompress((project.folder / "demo.tar.gz").read_bytes())
    assert b"geheim" not in tar
    assert os.fsencode(project.folder) not in tar


def test_a_source_that_holds_what_looks_like_a_secret_is_refused(copy: Place) -> None:
    (copy.folder / "words.py").write_text(f"WORDS = ['a', 'b']\nTOKEN = 'hf_{'a' * 34}'\n")
    assert "words.py:2 holds what looks like a secret" in copy.pdsl("bundle", "--out", "x.tar.gz", code=1).stderr
    assert not (copy.folder / "x.tar.gz").exists()


def test_a_bundle_without_artifacts_is_replayed_from_what_is_made_again(project: Place, empty: Place) -> None:
    project.pdsl("bundle", "--without-artifacts", "--out", empty.folder / "n.tar.zst")
    assert empty.statuses("n.tar.zst", "--trust") == {"01_words": "bit-identical", "02_exam": "bit-identical"}
    store = project.folder / ".pdsl"
    assert empty.statuses("n.tar.zst", "--trust", "--only", "02_exam", "--store", store, "--into", "x") == {"02_exam": "bit-identical"}


def test_what_was_made_before_never_stands_in_for_what_is_made_again(empty: Place, bundle: Path) -> None:
    empty.pdsl("replay", bundle, "--trust", "--into", "again")
    assert "is not empty" in empty.pdsl("replay", bundle, "--trust", "--into", "again", code=2).stderr
    report = json.loads((empty.folder / "again" / "replay.json").read_text())
    assert report["verdict"] == "bit-identical"
    for _ in range(2):
        empty.pdsl("replay", bundle, "--trust", "--only", "01_words")
    assert len(list((empty.folder / ".pdsl" / "replays").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["replay", "no-such-file"], "cannot read"),
        (["replay"], "nothing was run here yet"),
        (["bundle", "--out", "x.zip"], "neither a `.tar.zst` nor a `.tar.gz`"),
        (["bundle", "--out", "x.tar.gz", "--only-inputs", "--without-artifacts"], "two things"),
        (["bundle", "--out", "x.tar.gz"], "nothing was run here yet"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(empty: Place, words: list[str], said: str) -> None:
    assert said in empty.pdsl(*words, code=2).stderr


def test_what_is_asked_of_a_bundle_alone_or_of_a_stage_that_is_not_there_is_refused(project: Place, bundle: Path, empty: Place) -> None:
    assert "no bundle" in project.pdsl("replay", "--trust", "--into", empty.folder / "x", code=2).stderr
    assert "no stage `09_none`" in empty.pdsl("replay", bundle, "--trust", "--only", "09_none", code=2).stderr
    assert "cannot write" in project.pdsl("bundle", "--out", empty.folder / "no" / "x.tar.gz", code=2).stderr


def test_a_replay_that_is_interrupted_ends_what_it_started_and_says_so(copy: Place) -> None:
    text = (copy.folder / "parts.py").read_text()
    (copy.folder / "parts.py").write_text(
        text.replace("        value = 50", "        if 'SLOW' in os.environ:\n            __import__('time').sleep(60)\n        value = 50")
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline_dsl", "replay", "--json"],
        cwd=copy.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SLOW": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    end = time.monotonic() + 30
    while not list(copy.folder.glob(".pdsl/replays/*/replay/store/actions/*/*")) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    process.terminate()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    found = json.loads(out)
    assert (found["verdict"], found["results"][1]["status"], found["results"][1]["reason"]) == (
        "interrupted",
        "not replayed",
        "interrupted",
    )
