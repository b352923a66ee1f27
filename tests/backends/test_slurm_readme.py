"""The README's settings for a team's own cluster, put under the README's own pipeline; its session is typed in `test_story.py`."""

import re
from pathlib import Path

import pytest

from tests.command import ROOT, pdsl

BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def block(word: str) -> str:
    """The first block of Python in the README that holds a word."""
    return next(text for text in BLOCKS if word in text)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "speeches.py").write_text(block("base = Pretrain(") + block("= Slurm("))
    ended = pdsl("compile", "speeches.py", "--backend", "slurm", cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "generated" / "speeches" / "slurm"


def directives(script: Path) -> set[str]:
    return set(re.findall(r"^#SBATCH (.*)$", script.read_text(), re.MULTILINE))


def test_what_the_readme_sets_for_one_stage_for_gpus_and_for_all_is_asked_for(scripts: Path) -> None:
    trains, splits = directives(next(scripts.glob("*_pretrain.sh"))), directives(next(scripts.glob("*_split.sh")))

    assert {"--account=llm", "--partition=h100", "--gpus-per-node=h100:8", "--time=14-00:00:00", "--exclusive"} < trains
    assert {"--account=llm", "--partition=cpu"} < splits
    assert not any(line.startswith(("--gpus", "--exclusive", "--time")) for line in splits)


def test_the_readmes_variables_cross_by_name_and_its_settings_by_value(scripts: Path) -> None:
    assert "NCCL_SOCKET_IFNAME=ib0" in next(scripts.glob("*_pretrain.sh")).read_text()
    assert "module load cuda" in next(scripts.glob("*_pretrain.sh")).read_text()
    assert re.search(r"^names=\(.* HF_TOKEN\)$", (scripts / "submit.sh").read_text(), re.MULTILINE)
