"""Backends are found: ours, and those of other distributions."""

from pathlib import Path

from tests.command import ROOT, demo, pdsl

THEIRS = """
from pipeline_dsl.lang.launcher import Launcher
from pipeline_dsl.render.backend import Backend, Rendered
import attrs

@attrs.frozen(kw_only=True)
class Crontab(Launcher):
    backend = "cron"
    hour: int = 3

class Cron(Backend[Crontab]):
    name = "cron"
    options = Crontab

    def render(self, plan, options):
        yield Rendered("crontab", "".join(f"0 {options.hour} * * * pdsl stage run {stage.name}\\n" for stage in plan.stages))
"""


def installed(folder: Path, text: str, name: str = "acme") -> Path:
    """A distribution with a backend in it, as pip leaves one in a folder of the path."""
    package = folder / "site" / f"{name}_pdsl"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "cron.py").write_text(text)
    info = folder / "site" / f"{name}_pdsl-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-pdsl\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pdsl.backends]\n{name} = {name}_pdsl\n")
    return folder / "site"


def test_another_distribution_adds_a_backend(tmp_path: Path) -> None:
    site = installed(tmp_path, THEIRS)
    ended = pdsl("compile", demo(tmp_path), "--backend", "cron", cwd=tmp_path, PYTHONPATH=f"{ROOT}:{site}")

    assert ended.returncode == 0, ended.stderr
    lines = (tmp_path / "generated" / "tiny" / "cron" / "crontab").read_text().splitlines()
    assert lines[0] == "0 3 * * * pdsl stage run 01_fetch"
    assert len(lines) == 30


def test_two_backends_of_one_name_are_refused(tmp_path: Path) -> None:
    site = installed(tmp_path, THEIRS.replace('name = "cron"', 'name = "slurm"'))
    ended = pdsl("compile", demo(tmp_path), "--backend", "slurm", cwd=tmp_path, PYTHONPATH=f"{ROOT}:{site}")

    assert ended.returncode == 2
    assert "two backends are called `slurm`" in ended.stderr


def test_a_backend_that_does_not_import_is_named(tmp_path: Path) -> None:
    site = installed(tmp_path, "import nothing_of_this_name\n")
    ended = pdsl("compile", demo(tmp_path), "--backend", "slurm", cwd=tmp_path, PYTHONPATH=f"{ROOT}:{site}")

    assert ended.returncode == 2
    assert "the backends of `acme` cannot be imported: No module named 'nothing_of_this_name'" in ended.stderr


def test_an_unknown_backend_is_told_which_there_are(tmp_path: Path) -> None:
    ended = pdsl("compile", demo(tmp_path), "--backend", "sge", cwd=tmp_path)

    assert ended.returncode == 2
    assert "there are: k8s, local, slurm" in ended.stderr
