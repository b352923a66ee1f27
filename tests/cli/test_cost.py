"""`pdsl cost`: what it shows, what it supposes, and what it compares with."""

import gc
import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.cli import main
from tests.command import pdsl

PIPELINE = '''\
from pipeline_dsl import CPU_CORE, H100, Budget, Checkpoint, Corpus, Hardware, Llama, Pipeline, Ref, Size, Sizes, Stage, Work, Workspace
from pipeline_dsl.base.units import Seconds

SEVEN = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
CLUSTER = Hardware(device=H100, count=8, nodes=64, mfu=0.40, price=2.50)


class Crawl(Stage[Corpus]):
    """Documents."""

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(3600))

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


class Learn(Stage[Checkpoint]):
    """A model."""

    data: Ref[Corpus]
    tokens: int = 2_000_000_000_000

    def size(self, sizes: Sizes) -> Size:
        return Size(model=SEVEN)

    def cost(self, sizes: Sizes) -> Work:
        return Work.passes(SEVEN, 3, tokens=self.tokens, length=4096)

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


crawl = Crawl(name="crawl")
base = Learn(name="base", data=crawl, on=CLUSTER)
pipeline = Pipeline(name="seven", targets=[base], on=Hardware(device=CPU_CORE), budget=Budget(usd=300_000))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A git repository with one pipeline in a folder of it, committed once."""
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "seven.py").write_text(PIPELINE)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "seven"]):
        git(tmp_path, *words)
    return tmp_path


def cost(folder: Path, *options: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of the command, in this process: starting one takes longer than all that it does."""
    out, err = io.StringIO(), io.StringIO()
    sys.modules.pop("seven", None)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["pdsl", "cost", "recipes/seven.py", *options])
        patch.setattr(gc, "disable", lambda: None)
        with pytest.raises(SystemExit) as stop:
            main()
    assert isinstance(stop.value.code, int)
    return stop.value.code, out.getvalue(), err.getvalue()


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def costed(folder: Path, *options: str) -> dict[str, Any]:
    code, out, err = cost(folder, "--json", *options)
    assert code == 0, err
    return json.loads(out)


def text(folder: Path, *options: str) -> str:
    code, out, err = cost(folder, *options)
    assert code == int("error[" in err), err
    return out


def refused(folder: Path, *options: str) -> str:
    code, out, err = cost(folder, *options)
    assert (code, out) == (2, ""), err
    return err


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "recipes" / "seven.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_each_stage_is_shown_with_its_count_and_the_rule_of_thumb(folder: Path) -> None:
    line = next(line for line in text(folder).splitlines() if line.startswith("base"))

    assert re.match(
        r"base +512 x H100-SXM +8\.\d+e\+22 +8\.09e\+22 +60,\d{3} \(55,\d{3} to 75,\d{3}\) +\$150,\d{3} \(\$139,\d{3} to", line
    ), line


def test_hours_of_one_device_are_not_added_to_those_of_another(folder: Path) -> None:
    lines = text(folder).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("total"))

    assert "H100-SXM" in lines[place]
    assert lines[place + 1].split() == ["CPU-core", "1"]


def test_every_assumption_is_printed(folder: Path) -> None:
    said = text(folder)

    assert "512 x H100-SXM, MFU 32-43% given, $2.5/h given" in said
    assert "budget $300,000" in said


def test_what_is_over_its_budget_is_costed_all_the_same(folder: Path) -> None:
    change(folder, "usd=300_000", "usd=10")

    code, out, err = cost(folder)
    assert (code, "error[PDSL602]" in err) == (1, True)
    assert re.search(r"^total .*\$150,", out, re.MULTILINE)


def test_what_has_no_sound_graph_has_no_cost(folder: Path) -> None:
    change(folder, "targets=[base]", "targets=[]")

    code, out, err = cost(folder)
    assert (code, out) == (1, "")
    assert err.startswith("error[")


def test_json_holds_points_and_intervals(folder: Path) -> None:
    found = costed(folder)
    crawl, base = found["stages"]

    assert crawl["device_hours"] == {"low": 1, "point": 1, "high": 1}
    assert base["usd"]["low"] < base["usd"]["point"] < base["usd"]["high"]
    assert found["total"]["usd"]["point"] == pytest.approx(crawl["usd"]["point"] + base["usd"]["point"])
    assert found["declared_total"] is None


def test_another_gpu_brings_its_own_price_and_a_predicted_utilization(folder: Path) -> None:
    found = costed(folder, "--gpu", "a100-80")
    crawl, base = found["stages"]

    assert (crawl["device"], base["device"]) == ("CPU-core", "A100-80-SXM")
    assert "predicted from published runs, $1.5/h" in base["assumptions"]
    assert found["declared_total"]["usd"] != found["total"]["usd"]


def test_another_utilization_and_price_stand_in_for_the_declared_ones(folder: Path) -> None:
    declared, supposed = costed(folder)["stages"][1], costed(folder, "--mfu", "0.2", "--price", "5")["stages"][1]

    assert supposed["device_hours"]["point"] == pytest.approx(2 * declared["device_hours"]["point"])
    assert supposed["usd"]["point"] == pytest.approx(4 * declared["usd"]["point"])


def test_a_pipeline_without_accelerators_has_none_to_exchange(folder: Path) -> None:
    change(folder, "on=CLUSTER", "on=Hardware(device=CPU_CORE, count=64)")

    assert "no stage of this pipeline runs on an accelerator" in refused(folder, "--gpu", "H100-SXM")


def test_a_price_that_nobody_knows_makes_the_total_unknown(folder: Path) -> None:
    ours = "Device(name='ours', bf16=1e15, memory=10**11, price=None, price_date='', price_source='')"
    change(folder, "from pipeline_dsl import", "from pipeline_dsl import Device,")
    change(folder, "device=H100, count=8, nodes=64, mfu=0.40, price=2.50", f"device={ours}")

    assert re.search(r"^total .*price unknown$", text(folder), re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--gpu", "H1"], "`H1` is more than one device"),
        (["--gpu", "abacus"], "`abacus` is no device of the catalogue"),
        (["--gpu", "H20"], "`H20` is no device of the catalogue\nhelp: name one of: H200-SXM"),
        (["--gpu", "L40"], "`L40` is no device of the catalogue\nhelp: name one of: L40S"),
        (["--mfu", "40"], "--mfu 40 is no share of the peak"),
        (["--price", "-1"], "--price -1 is no price"),
        (["--against", "nowhere"], "there is no revision `nowhere` here"),
        (["--against", "--output=x"], "there is no revision `--output=x` here"),
    ],
)
def test_what_cannot_be_supposed_is_refused(folder: Path, options: list[str], reason: str) -> None:
    assert reason in refused(folder, *options)


def test_nothing_changed_since_the_last_commit(folder: Path) -> None:
    assert "Since HEAD:\n  nothing that costs\n" in text(folder, "--against", "HEAD")


def test_what_changed_since_a_revision_is_shown_with_both_figures(folder: Path) -> None:
    change(folder, "2_000_000_000_000", "4_000_000_000_000")

    said = text(folder, "--against", "HEAD").split("Since HEAD:\n")[1]
    line = said.splitlines()[0]
    assert re.match(r"  base +8\.\d+e\+22 -> 1\.\d+e\+23 \(\+100%\) +\$150,\d{3} -> \$300,\d{3} \(\+100%\)", line), said
    assert said.splitlines()[1].split()[0] == "total"


def test_stages_come_and_go_between_revisions(folder: Path) -> None:
    change(folder, 'name="base"', 'name="other"')

    said = text(folder, "--against", "HEAD").split("Since HEAD:\n")[1]
    assert re.search(r"base +gone, ", said)
    assert re.search(r"other +added, ", said)


def test_another_revision_is_supposed_the_same_way(folder: Path) -> None:
    assert "nothing that costs" in text(folder, "--against", "HEAD", "--gpu", "MI300X", "--price", "2")


def test_a_revision_need_not_pass_the_checks(folder: Path) -> None:
    change(folder, "Budget(usd=300_000)", "Budget(usd=10)")
    git(folder, "commit", "-q", "-a", "-m", "too dear")
    change(folder, "Budget(usd=10)", "Budget(usd=300_000)")

    assert "Since HEAD:\n  nothing that costs\n" in text(folder, "--against", "HEAD")


def test_a_revision_that_cannot_be_read_says_why(folder: Path) -> None:
    change(folder, "Pipeline(name=", "Pipeline(nam=")
    git(folder, "commit", "-q", "-a", "-m", "broken")
    change(folder, "Pipeline(nam=", "Pipeline(name=")

    said = refused(folder, "--against", "HEAD")
    assert "recipes/seven.py cannot be costed as it was at HEAD" in said
    assert "nam" in said


def test_a_file_that_did_not_exist_then_is_named(folder: Path) -> None:
    (folder / "recipes" / "new.py").write_text(PIPELINE)

    result = pdsl("cost", "recipes/new.py", "--against", "HEAD", cwd=folder)
    assert result.returncode == 2
    assert "recipes/new.py did not exist at HEAD" in result.stderr


def test_a_folder_that_is_no_repository_is_named(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("bare") / "seven.py"
    file.write_text(PIPELINE)

    result = pdsl("cost", file, "--against", "HEAD", cwd=file.parent, GIT_CEILING_DIRECTORIES=str(file.parent.parent))
    assert result.returncode == 2
    assert "is in no git repository" in result.stderr


def test_the_working_tree_is_left_alone(folder: Path) -> None:
    text(folder, "--against", "HEAD")

    seen = subprocess.run(["git", "status", "--porcelain", "--ignored"], cwd=folder, check=True, capture_output=True, text=True).stdout
    assert [line for line in seen.splitlines() if "__pycache__" not in line] == []


def test_a_saved_plan_is_shown_and_not_supposed(folder: Path) -> None:
    assert pdsl("plan", "recipes/seven.py", "--out", "plan.json", cwd=folder).returncode == 0

    assert "base" in pdsl("cost", "plan.json", cwd=folder).stdout
    assert "a saved plan cannot be supposed otherwise" in pdsl("cost", "plan.json", "--mfu", "0.3", cwd=folder).stderr


def test_help_shows_examples(tmp_path: Path) -> None:
    said = pdsl("cost", "--help", cwd=tmp_path).stdout

    assert "pdsl cost pipelines/llama_7b.py --mfu 0.35 --against main" in said
    assert "--unchecked" not in said
