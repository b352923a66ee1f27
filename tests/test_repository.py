"""What holds for every file that is committed."""

import ast
import re
import stat
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.command import ROOT


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("this is an export, not a clone: git knows no files here")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


FORBIDDEN = {
    "a package index named by its host": re.compile(
        r"(?:files\.pythonhosted|pypi|registry\.npmjs)\.(?:org|com)|--(?:extra-)?index-url|--registry[ =]\w+:"
    ),
    "a path of one machine": re.compile(r"(?:^|[\s\"'=(:])/(?:root|work|farm)/\w"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_holds(what: str) -> None:
    found: list[str] = []
    for file in committed():
        if file == Path(__file__):
            continue
        text = file.read_text(errors="replace")
        found += [f"{file.relative_to(ROOT)}: {match.group()!r}" for match in FORBIDDEN[what].finditer(text)]

    assert found == []


def test_every_requirement_has_a_pinned_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {
        re.split(r"[\[<>=!~; ]", line)[0] for line in [*project["dependencies"], *(line for extra in extras.values() for line in extra)]
    }
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0] for line in pins if not line.startswith("#")}

    assert {normal(name) for name in wanted - {"pdsl"}} - {normal(name) for name in pinned} == set()


def asked_for() -> set[str]:
    """Third-party modules that the package imports anywhere, or asks a workspace for, by their top-level names."""
    found: set[str] = set()
    for module in (ROOT / "pipeline_dsl").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            match node:
                case ast.Import(names=names):
                    found.update(alias.name for alias in names)
                case ast.ImportFrom(module=str(name), level=0):
                    found.add(name)
                case ast.Call(func=ast.Attribute(attr="library" | "import_module"), args=[ast.Constant(value=str(name)), *_]):
                    found.add(name)
                case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name)), *_]):
                    found.add(name)
                case _:
                    pass
    return {name.partition(".")[0] for name in found} - sys.stdlib_module_names - {"pipeline_dsl"}


@pytest.mark.stages
def test_every_library_that_the_code_asks_for_is_brought_by_a_dependency_or_an_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for name, lines in project["optional-dependencies"].items() if name != "dev" for line in lines]
    brought = {normal(re.split(r"[\[<>=!~; ]", line)[0]) for line in [*project["dependencies"], *extras]}
    distributions = metadata.packages_distributions()

    assert {name for name in asked_for() if not brought & {normal(found) for found in distributions.get(name, [name])}} == set()


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_pin_is_one_exact_version() -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*", line)] == []


def test_continuous_integration_can_be_started() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR
