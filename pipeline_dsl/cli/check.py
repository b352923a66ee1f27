"""`pdsl check`: compile, and say everything that is wrong."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.fault import Exit
from pipeline_dsl.cli import report
from pipeline_dsl.compiler.compile import compile_target

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


@app.command()
def check(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Pipelines: .py files or names of modules.")],
    format: Annotated[Format, typer.Option("--format", help="How findings are printed.")] = Format.TEXT,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Compile pipelines and print what is wrong with them.

    Exits 0 if they can be planned, 1 if one of them cannot. Nothing is run.

    Example: pdsl check pipelines/*.py
    """
    found: list[Diagnostic] = []
    stages = 0
    for target in targets:
        compiled = compile_target(target)
        found.extend(compiled.diagnostics)
        stages += len(compiled.plan.stages) if compiled.plan else 0
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in found)
    chosen = Format.JSON if json else format
    if chosen is Format.TEXT:
        report.print_text(found, sys.stdout)
        print(_summary(len(targets), stages, errors, len(found) - errors))
    else:
        print({Format.JSON: report.as_json, Format.GITHUB: report.as_github, Format.SARIF: report.as_sarif}[chosen](found))
    if errors:
        raise typer.Exit(int(Exit.FINDINGS))


def _summary(targets: int, stages: int, errors: int, warnings: int) -> str:
    checked = f"checked {targets} pipeline{'s' * (targets != 1)}"
    if not errors and not warnings:
        return f"{checked}, {stages} stages: nothing to report"
    return f"{checked}: {errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
