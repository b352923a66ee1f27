"""The image that stages run in is built from the Dockerfile that we write, and a stage runs in it as pods run it.

There is no registry here: the base is made of Debian's packages by `mmdebstrap`, and buildah builds without a daemon or a namespace.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from tests.command import ROOT, run

MISSING = [tool for tool in ("buildah", "mmdebstrap") if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}; `apt-get install buildah mmdebstrap`"),
    pytest.mark.skipif(os.geteuid() != 0, reason="without root there is no chroot for buildah to build in"),
]

PACKAGES = "ca-certificates,python3,python3-pip,python3-venv"

PIPELINE = """
import json

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace

class Write(Stage[Corpus]):
    '''One line.'''
    text: str

    def run(self, work: Workspace) -> Corpus:
        (work.output / "text.jsonl").write_text(json.dumps({"text": self.text}))
        return Corpus(documents=1, characters=len(self.text))

pipeline = Pipeline(name="built", targets=[Write(text="$(HOME) {it} 'is' \\n \\u2603")])
"""


@attrs.frozen
class Buildah:
    """Images in a folder of their own."""

    folder: Path

    def __call__(self, *words: str | Path, timeout: float = 900) -> "subprocess.CompletedProcess[str]":
        where = ["--storage-driver", "vfs", "--root", self.folder / "storage", "--runroot", self.folder / "run"]
        return run(["buildah", *where, *words], cwd=self.folder, timeout=timeout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    """The image of training stages without the training libraries, which are gigabytes; on a base with Python and nothing else."""
    folder = tmp_path_factory.mktemp("images")
    made = run(["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", "base.tar"], cwd=folder, timeout=600)
    if made.returncode:
        pytest.skip(f"no base can be made of Debian's packages: {made.stderr.strip().splitlines()[-1]}")
    buildah = Buildah(folder)
    (folder / "Base").write_text("FROM scratch\nADD base.tar /\n")
    said = buildah("bud", "--isolation", "chroot", "-t", "localhost/base", "-f", "Base", ".")
    assert said.returncode == 0, said.stderr
    (folder / "ours.py").write_text('from pipeline_dsl import *\nfrom pipelines import tiny\nimport attrs\npipeline = attrs.evolve(\n'
        '    tiny.pipeline, launchers=[Kubernetes(image="i@sha256:" + "1" * 64)])\n')  # fmt: skip
    said = run([*_pdsl(), "compile", "ours.py", "--backend", "k8s"], cwd=folder)
    assert said.returncode == 0, said.stderr
    file = next(folder.glob("generated/*/k8s/training.Dockerfile"))
    how = [
        "--isolation",
        "chroot",
        "--network",
        "host",
        *_of_this_machine(),
        "--build-arg",
        "BASE=localhost/base",
        "--build-arg",
        "EXTRAS=",
    ]
    said = buildah("bud", *how, "-t", "localhost/pdsl", "-f", file, ROOT)
    assert said.returncode == 0, said.stdout + said.stderr
    return buildah


def _pdsl() -> list[str]:
    return [sys.executable, "-m", "pipeline_dsl"]


def _of_this_machine() -> list[str]:
    """How packages are reached from here, for as long as the build takes."""
    known = [path for path in ("/etc/ssl/certs", "/etc/pip.conf") if Path(path).exists()]
    return [word for path in known for word in ("--volume", f"{path}:{path}:ro")]


def test_a_stage_runs_in_the_image_as_the_user_that_pods_have(built: Buildah, tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(PIPELINE)
    compiled = run([*_pdsl(), "compile", "ours.py", "--backend", "local"], cwd=tmp_path)
    assert compiled.returncode == 0, compiled.stderr
    plan = tmp_path / "generated" / "built" / "local" / "plan.json"  # as it is for every backend
    store = tmp_path / "artifacts"
    store.mkdir()
    os.chown(store, 1000, 1000)
    container = built("from", "localhost/pdsl").stdout.strip()
    mounted = ["--volume", f"{tmp_path / 'ours.py'}:/project/ours.py:ro", "--volume", f"{plan}:/etc/pdsl/plan.json:ro"]
    mounted += ["--volume", f"{store}:/artifacts"]

    def pod(*words: str) -> "subprocess.CompletedProcess[str]":
        return built("run", "--isolation", "chroot", "--env", "HOME=/tmp", *mounted, container, "--", *words)

    assert pod("id", "-u").stdout.strip() == "1000"
    words = ["--plan", "/etc/pdsl/plan.json", "--store", "/artifacts/store"]
    said = pod("pdsl", "stage", "run", "01_write", *words, "--threads", "1")
    assert said.returncode == 0, said.stderr
    said = pod("pdsl", "stage", "manifest", *words)
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip().startswith("/artifacts/store/runs/built-")


def test_the_pipelines_of_the_project_are_in_the_image(built: Buildah) -> None:
    container = built("from", "localhost/pdsl").stdout.strip()
    said = built("run", "--isolation", "chroot", container, "--", "pdsl", "check", "pipelines/qlora_7b.py")

    assert said.returncode == 0, said.stderr
