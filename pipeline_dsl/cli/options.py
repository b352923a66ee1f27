"""Arguments that several commands share, and how a target becomes a plan."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.diagnostic import Severity
from pipeline_dsl.base.fault import Exit, Usage
from pipeline_dsl.cli.report import print_text
from pipeline_dsl.compiler.compile import Compiled, compile_target
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store

StoreOption = Annotated[Path, typer.Option("--store", envvar="PDSL_STORE", help="Where results, runs and logs are kept.")]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", envvar="PDSL_POLICY", help="Who may override what; without one, `pdsl-policy.yaml` here.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Target = Annotated[str, typer.Argument(help="A pipeline: a .py file, the name of a module, or a saved plan.json.")]

ManifestArgument = Annotated[Path | None, typer.Argument(help="The run's manifest.yaml; without one, the run written last.")]

DEFAULT_STORE = Path(".pdsl")


def open_store(folder: Path) -> Store:
    """The store in a folder, which need not exist yet."""
    return Store(Layout(folder))


def existing_store(folder: Path) -> Store:
    """The store in a folder; one that is not there is not taken for an empty one, in which all is well.

    Raises: Usage.
    """
    if not folder.is_dir():
        raise Usage(f"there is no store {folder}", help="run a pipeline first, or name its store with --store")
    return open_store(folder)


def compile_or_exit(target: str) -> Compiled:
    """Compile a target; print findings to standard error, and end the process if one of them is an error.

    Raises: typer.Exit; Usage.
    """
    compiled = compile_target(target)
    if compiled.diagnostics:
        print_text(compiled.diagnostics, sys.stderr)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in compiled.diagnostics):
        raise typer.Exit(int(Exit.FINDINGS))
    return compiled


def plan_of(target: str) -> tuple[Plan, Compiled | None]:
    """The plan of a target; a saved plan is taken as it is, a pipeline is compiled.

    Raises: typer.Exit; Usage; BadFile; DigestMismatch.
    """
    if target.endswith(".json"):
        return plans.read(Path(target)), None
    compiled = compile_or_exit(target)
    if compiled.plan is None:
        raise AssertionError("a target without errors has a plan")
    return compiled.plan, compiled


def find_manifest(given: Path | None, store: Path) -> Path:
    """The manifest that a command is about: the one named, or the one written last in this folder.

    Raises: Usage if there is none.
    """
    if given is not None:
        path = given / "manifest.yaml" if given.is_dir() else given
        if not path.exists():
            raise Usage(f"cannot read {path}: there is no such file", help="name a run's manifest.yaml, or the folder that it lies in")
        return path
    found = list(Layout(store).runs.glob("*/manifest.yaml"))
    if not found:
        raise Usage("nothing was run here yet", help="run a pipeline first: `pdsl run pipelines/tiny.py`")
    newest = max(found, key=lambda path: path.stat().st_mtime_ns)
    return Path(os.path.relpath(newest)) if newest.is_absolute() else newest


def find_run(given: Path | None, store: Path) -> Plan:
    """The plan of the run that a command is about, also while it runs.

    Raises: Usage if there is none; BadFile; DigestMismatch.
    """
    return plans.read(find_manifest(given, store).parent / "plan.json")
