"""`pdsl export`: the model that a gate let out, as a folder."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.gate import BaselineOption, ManifestArgument, judge_manifest
from pipeline_dsl.cli.options import DEFAULT_STORE, StoreOption, find_manifest, open_store
from pipeline_dsl.gates.verdict import require_ship
from pipeline_dsl.store.tree import safe_path

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The folder to write; it must not be there yet.")],
    manifest: ManifestArgument = None,
    baseline: BaselineOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run, and write the model that it ships to a folder if the verdict is SHIP.

    Where the run ships a server, the model that it serves is written. Every byte is read against its digest. Exits 3 if the run
    is held, 4 if anything is not what its digest says.

    Example: pdsl export --out model
    """
    if out.exists():
        raise Usage(f"{out} is there already", help="name a folder that is not")
    opened = open_store(store)
    artifact = require_ship(judge_manifest(find_manifest(manifest, store), baseline, opened))
    tree = opened.verify(artifact)
    if tree.kind == "server_spec":
        artifact = str(tree.meta["model"])
        tree = opened.verify(artifact)
    draft = out.with_name(f".{out.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    for entry in tree.files:
        target = draft / safe_path(entry.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(opened.blob(entry), target)
    draft.rename(out)  # whole, or not there
    print(f"{out}: {artifact}")
