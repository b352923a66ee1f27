"""What a person meets who checks, runs and looks at a pipeline of their own all day."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, pdsl, run
from tests.gates.test_verdict import shipped, shipping

OWN = """
from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Say(Stage[Corpus]):
    word: str

    def run(self, work: Workspace) -> Corpus:
        (work.output / "a.jsonl").write_text(self.word)
        return Corpus(documents=1, characters=3)


"""
ONE = "a = Say(word='one')\npipeline = Pipeline(name='own', targets=[a])\n"
TWO = "a = Say(word='one')\nb = Say(word='two')\npipeline = Pipeline(name='own', targets=[a, b])\n"


def own(folder: Path, text: str) -> Path:
    """A folder with a project of one module, `own.py`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.py").write_text(OWN + text)
    return folder


@pytest.mark.parametrize("named", ["own.py", "./own.py", "own", "{folder}/own.py"])
def test_a_forgotten_stage_is_found_however_its_file_is_named(tmp_path: Path, named: str) -> None:
    own(tmp_path, TWO.replace("[a, b]", "[a]"))
    result = pdsl("check", named.format(folder=tmp_path), cwd=tmp_path)
    assert result.returncode == 1
    assert "error[PDSL304]: `b` is declared, but no target needs it" in result.stdout


def test_a_folder_is_answered_with_the_pipeline_in_it(tmp_path: Path) -> None:
    own(tmp_path / "starter", ONE)
    (tmp_path / "bare").mkdir()
    for words, help in (("starter", "name a pipeline in it: starter/own.py"), ("bare", "no file in it declares a pipeline")):
        result = pdsl("check", words, cwd=tmp_path)
        assert (result.returncode, f"{words} is a folder" in result.stderr, help in result.stderr) == (2, True, True), result


def test_a_module_is_found_although_a_folder_has_its_name(tmp_path: Path) -> None:
    own(tmp_path / "elsewhere", ONE)
    (tmp_path / "here" / "own").mkdir(parents=True)
    result = pdsl("check", "own", cwd=tmp_path / "here", PYTHONPATH=f"{ROOT}:{tmp_path / 'elsewhere'}")
    assert (result.returncode, result.stdout) == (0, "checked 1 pipeline, 1 stage: nothing to report\n")


def test_a_run_says_whose_code_was_edited_when_it_uses_what_that_made_before(tmp_path: Path) -> None:
    own(tmp_path, ONE)
    first = pdsl("run", "own.py", cwd=tmp_path)
    again = pdsl("run", "own.py", cwd=tmp_path)
    assert (first.returncode, "edited" in first.stderr, "edited" in again.stderr) == (0, False, False)
    file = tmp_path / "own.py"
    file.write_text(file.read_text().replace("    word: str\n", '    """Says a word."""\n\n    word: str\n'))
    assert "edited" not in pdsl("run", "own.py", cwd=tmp_path).stderr  # a docstring makes no other result
    file.write_text(file.read_text().replace("write_text(self.word)", "write_text(self.word * 2)"))
    result = pdsl("run", "own.py", cwd=tmp_path)
    assert "its stage is cached, nothing to do" in result.stdout
    assert "note: the code of 01_say was edited since, and the results from before are used" in result.stderr
    anew = pdsl("run", "own.py", "--from", "1", cwd=tmp_path)
    assert ("1 stage ran" in anew.stdout, "edited" in anew.stderr) == (True, False), anew


def test_commands_without_a_manifest_mean_the_run_that_was_asked_for_last(tmp_path: Path) -> None:
    own(tmp_path, ONE)
    pdsl("run", "own.py", cwd=tmp_path)
    one = pdsl("status", cwd=tmp_path).stdout
    own(tmp_path, TWO)
    pdsl("run", "own.py", cwd=tmp_path)
    two = pdsl("status", cwd=tmp_path).stdout
    own(tmp_path, ONE)
    pdsl("run", "own.py", cwd=tmp_path)
    assert (one != two, pdsl("status", cwd=tmp_path).stdout == one) == (True, True)


def test_a_stage_is_named_by_its_number_wherever_one_is_named(tmp_path: Path) -> None:
    own(tmp_path, TWO)
    assert pdsl("plan", "own.py", "--out", "plan.json", cwd=tmp_path).returncode == 0
    for words in ("run own.py --only 2", "logs 2", "stage run 1 --plan plan.json", "run own.py --from 02", "replay --only 1"):
        result = pdsl(*words.split(), cwd=tmp_path)
        assert result.returncode == 0, (words, result)
    silent = pdsl("logs", "02", cwd=tmp_path)
    assert (silent.stdout, silent.stderr) == ("", "02_say has printed nothing\n")
    assert "there is no stage `7` in own" in pdsl("logs", "7", cwd=tmp_path).stderr


def test_what_is_said_of_a_damaged_record_mends_it(tmp_path: Path) -> None:
    own(tmp_path, ONE)
    pdsl("run", "own.py", cwd=tmp_path)
    (record,) = (path for path in (tmp_path / ".pdsl" / "store" / "actions").rglob("*") if path.is_file())
    record.chmod(0o644)
    record.write_text("nothing")
    refused = pdsl("run", "own.py", cwd=tmp_path)
    assert refused.returncode == 4
    (said,) = re.findall(r"help: .*`pdsl (.*)`, and run again", refused.stderr)
    assert pdsl(*said.split(), cwd=tmp_path).returncode == 0
    assert "1 stage ran" in pdsl("run", "own.py", cwd=tmp_path).stdout


def test_a_run_is_judged_from_a_store_whose_cache_cannot_be_written(tmp_path: Path) -> None:
    made = shipped(tmp_path, shipping())
    before = made.bench.pdsl("gate", made.file)
    stats = made.bench.store.layout.stats
    shutil.rmtree(stats)
    stats.write_text("a file, so that nothing can be kept in it, whoever asks")
    after = made.bench.pdsl("gate", made.file)
    assert (before.returncode, after.returncode, after.stdout) == (0, 0, before.stdout)


def test_what_contradicts_itself_runs_nothing(tmp_path: Path) -> None:
    own(tmp_path, TWO)
    pdsl("run", "own.py", cwd=tmp_path)
    refused = pdsl("run", "own.py", "--from", "1", "--only", "2", cwd=tmp_path)
    assert (refused.returncode, "`--from 1` does not run 02_say again" in refused.stderr) == (2, True)
    assert "1 stage ran" in pdsl("run", "own.py", "--from", "1", "--only", "1", cwd=tmp_path).stdout


def test_a_slip_in_a_commands_name_is_answered_with_the_command(tmp_path: Path) -> None:
    result = pdsl("rnu", "own.py", cwd=tmp_path)
    assert (result.returncode, "No such command 'rnu'. Did you mean 'run'?" in result.stderr) == (2, True)


def test_the_version_is_the_one_that_records_name(tmp_path: Path) -> None:
    result = pdsl("--version", cwd=tmp_path)
    own(tmp_path, ONE)
    pdsl("run", "own.py", cwd=tmp_path)
    (record,) = (path for path in (tmp_path / ".pdsl" / "store" / "actions").rglob("*") if path.is_file())
    assert result.returncode == 0
    assert f'"pdsl":"{result.stdout.removeprefix("pdsl ").strip()}"' in record.read_text()


COMMAND = f"'{sys.executable}' -m pipeline_dsl"


def test_who_reads_only_the_first_line_causes_no_error(tmp_path: Path) -> None:
    for words in ("explain --json | head -1", "explain | true"):
        result = run(["bash", "-c", f"set -o pipefail; {COMMAND} {words}"], cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, ""), (words, result)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["explain", "--version"])
def test_output_that_no_disk_has_room_for_is_said_so(tmp_path: Path, words: str) -> None:
    result = run(["bash", "-c", f"{COMMAND} {words} > /dev/full"], cwd=tmp_path)
    assert result.returncode == 5
    assert result.stderr.startswith("error[PDSL405]: cannot write: No space left on device\n")


def test_a_closed_output_keeps_the_exit_code(tmp_path: Path) -> None:
    def closed(words: str) -> "subprocess.CompletedProcess[str]":
        return run(["bash", "-c", f"{COMMAND} {words} >&- 2>&-"], cwd=tmp_path)

    assert [closed(words).returncode for words in ("explain", "check nothing.py")] == [0, 2]
