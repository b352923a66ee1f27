"""`pdsl check`: compile, and say everything that is wrong."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import attrs
import typer

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.fault import Exit, Usage
from pipeline_dsl.base.units import counted
from pipeline_dsl.compiler.compile import compile_target

if TYPE_CHECKING:
    from pipeline_dsl.compiler.review.review import Review

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


_PRINTERS = {
    Format.JSON: "pipeline_dsl.cli.formats.as_json",
    Format.GITHUB: "pipeline_dsl.cli.formats.github",
    Format.SARIF: "pipeline_dsl.cli.formats.sarif",
}


@app.command()
def check(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET...", help="Pipelines: .py files or names of modules; manifests: .yaml files.")
    ],
    format: Annotated[Format, typer.Option("--format", help="How findings are printed.")] = Format.TEXT,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    if_pipeline: Annotated[
        bool,
        typer.Option(
            "--if-pipeline", help="Pass over .py files that declare no pipeline, without importing them, and .yaml without a manifest."
        ),
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes that was read; end it by Ctrl-C.")] = False,
) -> None:
    """Compile pipelines and print what is wrong with them.

    Exits 0 if they can be planned, 1 if one of them cannot. Nothing is run. A manifest is judged as `pdsl review` does.

    Example: pdsl check pipelines/*.py
    """
    chosen = Format.JSON if json else format
    if if_pipeline:
        targets = [target for target in targets if _is_ours(target)]
    if watch:
        from pipeline_dsl.cli.recheck import keep_checking

        keep_checking(targets, lambda: _check(targets, chosen))
    elif _check(targets, chosen).errors:
        raise typer.Exit(int(Exit.FINDINGS))


@attrs.frozen
class Checked:
    """What came of some targets."""

    targets: int
    stages: int
    found: Sequence[Diagnostic]

    @property
    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(diagnostic.severity is Severity.ERROR for diagnostic in self.found)


def _check(targets: Sequence[str], chosen: Format) -> Checked:
    """Compile targets and print what is wrong with them."""
    found: list[Diagnostic] = []
    stages = 0
    for target in targets:
        if target.endswith(_YAML):
            reviewed = _review(target)
            found.extend(reviewed.findings)
            stages += reviewed.stages
            continue
        compiled = compile_target(target)
        found.extend(compiled.diagnostics)
        stages += len(compiled.plan.stages) if compiled.plan else 0
    checked = Checked(len(targets), stages, found)
    _print(checked, chosen)
    return checked


_YAML = (".yaml", ".yml")


def _is_ours(target: str) -> bool:
    """Whether a file declares a pipeline, or is a manifest; modules that are given by name always count."""
    if target.endswith(_YAML):
        from pipeline_dsl.compiler.review.recognize import is_manifest

        return is_manifest(_read(target))
    from pipeline_dsl.compiler.recognize import declares_pipeline

    return not target.endswith(".py") or declares_pipeline(target)


def _review(target: str) -> "Review":
    """A manifest, judged as `pdsl review` does."""
    from pipeline_dsl.compiler.review.review import Terms, review

    return review(_read(target), target, Terms())


def _read(target: str) -> bytes:
    from pipeline_dsl.store.manifest import MAX_BYTES

    try:
        with open(target, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Usage(f"cannot read {target}: {error.strerror}") from error


def _print(checked: Checked, chosen: Format) -> None:
    if chosen is not Format.TEXT:
        print(import_module(_PRINTERS[chosen]).printed(checked.found))
        return
    if checked.found:
        from pipeline_dsl.cli.report import print_text

        print_text(checked.found, sys.stdout)
    print(_summary(checked))


def _summary(checked: Checked) -> str:
    said = f"checked {counted(checked.targets, 'pipeline')}"
    if not checked.found:
        return f"{said}, {counted(checked.stages, 'stage')}: nothing to report"
    errors, warnings = checked.errors, len(checked.found) - checked.errors
    return f"{said}: {counted(errors, 'error')}, {counted(warnings, 'warning')}"
