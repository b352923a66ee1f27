"""`pdsl init`: a starter project that passes `pdsl check`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.saving import save

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_STARTER = Path(__file__).with_name("starter")


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Where to write it; made if it is not there.")]) -> None:
    """Write a starter project: a pipeline, a stage of one's own, and a hook that checks both.

    Files that exist are never overwritten.

    Example: pdsl init my-model
    """
    files = sorted(path for path in _STARTER.rglob("*.tmpl"))
    targets = {path: directory / path.relative_to(_STARTER).with_suffix("") for path in files}
    taken = [str(target) for target in targets.values() if target.exists()]
    if taken:
        raise Usage(f"{', '.join(taken)} exists already", help="choose another folder")
    for path, target in targets.items():
        save(target, path.read_bytes())
    print(f"wrote {', '.join(str(target) for target in targets.values())}")
    print(f"next: pdsl check {directory / 'pipeline.py'}")
