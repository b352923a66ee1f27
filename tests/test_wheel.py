"""The wheel, installed without extras in an empty environment, compiles a pipeline from outside the repository."""

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.command import ROOT, demo, run

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built from a copy so that nothing is left in the tree."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "pipeline_dsl", copy / "pipeline_dsl", ignore=shutil.ignore_patterns("__pycache__"))
    built = run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", copy / "dist"], cwd=copy)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = (copy / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("environment")
    made = run([sys.executable, "-m", "venv", folder], cwd=folder)
    assert made.returncode == 0, made.stdout + made.stderr
    pip = [folder / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    installed = run([*pip, wheel], cwd=folder, PYTHONPATH="")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return folder / "bin"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """The demo, in a folder that knows nothing of the repository."""
    return demo(tmp_path)


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    kept = {file for file in (ROOT / "pipeline_dsl").rglob("*") if file.is_file() and "__pycache__" not in file.parts}

    assert inside == {str(file.relative_to(ROOT)) for file in kept}


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")] != []


@pytest.mark.parametrize("command", ["check", "plan"])
def test_the_wheel_compiles_the_demo_without_extras(bare: Path, outside: Path, command: str) -> None:
    result = run([bare / "pdsl", command, outside], cwd=outside.parents[1], PYTHONPATH="")

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_wheel_writes_a_starter_project_that_it_accepts(bare: Path, tmp_path: Path) -> None:
    written = run([bare / "pdsl", "init", "starter"], cwd=tmp_path, PYTHONPATH="")
    checked = run([bare / "pdsl", "check", "starter/pipeline.py"], cwd=tmp_path, PYTHONPATH="")

    assert (written.returncode, checked.returncode) == (0, 0), written.stderr + checked.stdout


def test_the_environment_of_that_test_has_no_training_library(bare: Path, tmp_path: Path) -> None:
    result = run([bare / "python", "-c", "import torch"], cwd=tmp_path, PYTHONPATH="")

    assert "No module named 'torch'" in result.stderr


def test_a_stage_that_lacks_its_library_names_what_to_install(bare: Path, tmp_path: Path) -> None:
    file = tmp_path / "needs.py"
    file.write_text(
        "from pipeline_dsl import Corpus, Pipeline, Stage, Workspace\n\n\n"
        "class Mend(Stage[Corpus]):\n"
        "    def run(self, work: Workspace) -> Corpus:\n"
        '        work.library("ftfy")\n'
        "        return Corpus(documents=0, characters=0)\n\n\n"
        'pipeline = Pipeline(name="needs", targets=[Mend()])\n'
    )
    result = run([bare / "pdsl", "run", file], cwd=tmp_path, PYTHONPATH="")

    assert result.returncode == 5, result.stdout + result.stderr
    assert "pdsl[data]" in result.stdout + result.stderr
