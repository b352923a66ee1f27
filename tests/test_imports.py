"""What is loaded by asking: a check is a cold start, paid for each time."""

import json
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, demo, run

LANGUAGE = {"attr", "attrs", "pipeline_dsl"}
"""What declaring a pipeline takes."""

COMPILER = LANGUAGE | {
    "cattr",
    "cattrs",
    "networkx",
    "typer",
    "yaml",
    "_yaml",
    "typing_extensions",
    "shellingham",
    "click",
    "annotated_doc",
}
"""What checking one takes as well."""

LIBRARIES = {
    "torch",
    "numpy",
    "rich",
    "pygments",
    "boto3",
    "botocore",
    "opentelemetry",
    "mlflow",
    "fsspec",
    "pydantic",
    "jinja2",
    "cryptography",
    "sigstore",
}
HEAVY = LIBRARIES | {"asyncio", "google", "multiprocessing"}

SEE = """
import sys
before = set(sys.modules)
{code}
print("loaded", __import__("json").dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""


def loaded(code: str, cwd: Path, *arguments: str | Path) -> set[str]:
    """Top-level names of the modules that a program loads beyond those of a bare start."""
    result = run([sys.executable, "-c", SEE.format(code=code), *arguments], cwd=cwd)
    assert result.returncode == 0, result.stdout + result.stderr
    line = next(line for line in reversed(result.stdout.splitlines()) if line.startswith("loaded "))
    return set(json.loads(line.removeprefix("loaded ")))


CHECK = """
from pipeline_dsl.cli import main
sys.argv = ["pdsl", "check", sys.argv[1]]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return demo(tmp_path)


def test_importing_the_language_loads_attrs_and_nothing_else(tmp_path: Path) -> None:
    assert loaded("import pipeline_dsl", tmp_path) - sys.stdlib_module_names - LANGUAGE == set()


def test_importing_the_language_loads_no_slow_part_of_the_standard_library(tmp_path: Path) -> None:
    slow = {"asyncio", "multiprocessing", "socket", "ssl", "subprocess", "sqlite3", "unittest", "xml", "http", "email"}

    assert loaded("import pipeline_dsl", tmp_path) & slow == set()


EVERY_STAGE = """
import importlib, pkgutil
import pipeline_dsl.stages
for module in pkgutil.walk_packages(pipeline_dsl.stages.__path__, "pipeline_dsl.stages."):
    importlib.import_module(module.name)
"""


def test_importing_every_stage_type_loads_nothing_that_only_running_one_needs(tmp_path: Path) -> None:
    assert loaded(EVERY_STAGE, tmp_path) - sys.stdlib_module_names - COMPILER == set()


def test_checking_the_demo_loads_only_what_is_allowed(tiny: Path) -> None:
    names = {name for name in loaded(CHECK, tiny.parents[1], tiny) if "cython" not in name}  # the C part of yaml names itself so

    assert names - sys.stdlib_module_names - COMPILER - {"tiny", "pipelines"} == set()


def test_checking_the_demo_loads_nothing_heavy(tiny: Path) -> None:
    assert loaded(CHECK, tiny.parents[1], tiny) & HEAVY == set()


def test_importing_a_pipeline_module_makes_no_file_and_opens_no_socket(tmp_path: Path) -> None:
    """Checked by an audit hook, which sees what the interpreter is asked to do."""
    watch = """
import sys
seen = []
def audit(event, arguments):
    if event.startswith("socket.") or event in ("os.mkdir", "os.remove", "os.rename", "subprocess.Popen", "os.posix_spawn"):
        seen.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append(f"open {arguments[0]} {arguments[1]}")
sys.dont_write_bytecode = True
sys.addaudithook(audit)
import pipelines.tiny
print(seen)
"""
    result = run([sys.executable, "-c", watch], cwd=tmp_path)

    assert (result.returncode, result.stdout.strip()) == (0, "[]"), result.stderr


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "pipeline_dsl" / "py.typed").is_file()
