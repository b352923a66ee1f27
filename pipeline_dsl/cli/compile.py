"""`pdsl compile`: a pipeline's launchers, as files that a scheduler runs."""

import json as codec
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Exit
from pipeline_dsl.cli.options import JsonOption, Target, plan_of
from pipeline_dsl.render import generate

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command("compile")
def compile_(
    target: Target,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", "-b", help="local, slurm, k8s or another; may be given again. Without one: those that suit."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")] = Path("generated"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is stale, missing or stray.")] = False,
    json: JsonOption = False,
) -> None:
    """Write a pipeline's launchers to OUT/PIPELINE/BACKEND/.

    The same plan gives the same bytes, so the files can be committed and reviewed.

    Example: pdsl compile pipelines/tiny.py --backend slurm
    """
    plan, _ = plan_of(target)
    names = list(dict.fromkeys(backend)) if backend else generate.suiting(plan)
    stale: list[Path] = []
    stray: list[Path] = []
    written = 0
    for name, rendered in generate.folders(plan, names).items():
        folder = out / plan.pipeline / name
        wanted = generate.by_path(rendered, "")
        found = generate.difference(folder, wanted)
        stale += [folder / path for path in found.stale]
        stray += [folder / path for path in found.stray]
        written += len(wanted)
        if not check:
            generate.settle(folder, wanted, found)
    if json:
        print(
            codec.dumps({"version": 1, "backends": names, "stale": [str(path) for path in stale], "stray": [str(path) for path in stray]})
        )
    else:
        _tell(target, names, out / plan.pipeline, stale, stray, written, check)
    if check and (stale or stray):
        raise typer.Exit(int(Exit.FINDINGS))


def _tell(target: str, names: list[str], folder: Path, stale: list[Path], stray: list[Path], wanted: int, check: bool) -> None:
    if not check:
        print(f"{folder}: {', '.join(names)}: {len(stale)} files written, {len(stray)} removed, {wanted - len(stale)} as they should be")
        return
    command = f"pdsl compile {target} " + " ".join(f"--backend {name}" for name in names)
    for path in stale:
        print(f"{path} is stale: run `{command}`")
    for path in stray:
        print(f"{path} is stray: remove it, or run `{command}`")
