"""The published hook, through the real pre-commit, in a git repository of somebody who uses it."""

import os
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess

import attrs
import pytest

from tests.benchmarks.usage import Failed, measure
from tests.command import ROOT, run

pytestmark = [pytest.mark.slow, pytest.mark.network]

PIPELINE = """\
from pipeline_dsl import Llama, Pipeline
from pipeline_dsl.stages import Fetch, Ingest, Npm, Pretrain, Sft, Split, Tokenize, TrainTokenizer

from parts import Talk

package = Fetch(package=Npm(name="texts", version="1.0.0", sha256="0" * 64), files=("**/*.txt",), licence="CC0-1.0")
text = Ingest(sources=(package,))
train, validation = Split(corpus=text, part="train"), Split(corpus=text, part="validation")
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=2048)
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=128)
held = Tokenize(tokenizer=tokenizer, corpora=(validation,), length=128)
model = Llama(hidden=64, layers=2, heads=4, kv_heads=2, ffn=128, vocabulary=2048, context=512)
base = Pretrain(data=rows, validation=held, tokenizer=tokenizer, model=model, tokens=100_000, batch=16, learning_rate=3e-4)
sft = Sft(base=base, data=Talk(), learning_rate=1e-4)
pipeline = Pipeline(name="scratch", targets=[sft])
"""

PARTS = """\
from pipeline_dsl import Chats, Size, Sizes, Stage, Workspace


class Talk(Stage[Chats]):
    def size(self, sizes: Sizes) -> Size:
        return Size(examples=100)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError
"""

OTHERS = {
    "tool.py": "import sys\n\nopen('imported', 'w').close()\nsys.exit('this is a script, and not to be imported')\n",
    "factory.py": (
        "from pipeline_dsl import Pipeline\n\nopen('imported', 'w').close()\n\n\ndef make():\n    return Pipeline(name='p', targets=[])\n"
    ),
    "my-notes.py": "Pipeline = dict\npipeline = Pipeline(of='another library')\n",
}
"""Python files that a repository holds beside its pipelines: importing the first two would leave a trace."""


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
    result = run(["git", *who, *words], cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


@attrs.frozen
class Scratch:
    """A repository whose hooks are installed, with everything that pre-commit keeps in a folder of its own."""

    folder: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PRE_COMMIT_HOME": str(self.home), "PYTHONPATH": "", "PRE_COMMIT_COLOR": "never"}

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        git(self.folder, "add", "-A")

    def pre_commit(self, *words: str) -> "CompletedProcess[str]":
        return run([sys.executable, "-m", "pre_commit", *words], cwd=self.folder, timeout=500, **self.environment)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree as a repository that others name in their configuration."""
    folder = tmp_path_factory.mktemp("published")
    for name in ("pyproject.toml", "LICENSE", "README.md", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "pipeline_dsl", folder / "pipeline_dsl", ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "published")
    return folder


@pytest.fixture(scope="module")
def installed(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """The scratch repository; the hook's environment is made here, once, as `pre-commit install-hooks` makes it."""
    scratch = Scratch(tmp_path_factory.mktemp("scratch"), tmp_path_factory.mktemp("home"))
    git(scratch.folder, "init", "-q")
    revision = git(published, "rev-parse", "HEAD")
    config = f"repos:\n  - repo: {published}\n    rev: {revision}\n    hooks:\n      - id: pdsl-check\n"
    scratch.write(".pre-commit-config.yaml", config)
    made = scratch.pre_commit("install-hooks")
    assert made.returncode == 0, made.stdout + made.stderr
    return scratch


@pytest.fixture
def scratch(installed: Scratch) -> Scratch:
    for file in installed.folder.glob("*.py"):
        file.unlink()
    for name, text in {**OTHERS, "parts.py": PARTS, "pipeline.py": PIPELINE}.items():
        installed.write(name, text)
    return installed


def test_the_hook_passes_on_a_right_pipeline_and_imports_no_file_beside_it(scratch: Scratch) -> None:
    result = scratch.pre_commit("run", "pdsl-check", "--all-files", "--verbose")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "checked 1 pipeline, " in result.stdout
    assert not (scratch.folder / "imported").exists()


def test_the_hook_fails_on_a_faulty_pipeline_and_shows_where(scratch: Scratch) -> None:
    scratch.write("pipeline.py", PIPELINE.replace("base=base", "base=text"))
    result = scratch.pre_commit("run", "pdsl-check", "--all-files")

    assert result.returncode == 1
    assert "error[PDSL201]: `Sft.base` reads Checkpoint, not Corpus" in result.stdout
    assert " --> pipeline.py:14:16" in result.stdout


def test_a_commit_of_a_faulty_pipeline_is_refused(scratch: Scratch) -> None:
    assert scratch.pre_commit("install").returncode == 0
    scratch.write("pipeline.py", PIPELINE.replace("base=base", "base=text"))
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    result = run(["git", *who, "commit", "-q", "-m", "faulty"], cwd=scratch.folder, timeout=300, **scratch.environment)

    assert result.returncode == 1
    assert "PDSL201" in result.stdout + result.stderr


def test_the_hook_passes_where_no_file_declares_a_pipeline(scratch: Scratch) -> None:
    (scratch.folder / "pipeline.py").unlink()
    git(scratch.folder, "add", "-A")

    assert scratch.pre_commit("run", "pdsl-check", "--all-files").returncode == 0


def test_the_hook_takes_less_than_a_second_of_cpu(scratch: Scratch) -> None:
    """The least of five: another process on the same core makes the same work take more."""
    words = [sys.executable, "-m", "pre_commit", "run", "pdsl-check", "--all-files"]
    try:
        taken = [measure(words, cwd=scratch.folder, environment={**os.environ, **scratch.environment}).cpu for _ in range(5)]
    except Failed as failure:
        pytest.fail(str(failure))

    assert min(taken) < 1.0, taken
