"""`pdsl serve`: the server of a run, for good, once a gate let its model out."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.gate import BaselineOption, ManifestArgument, judge_manifest, open_run
from pipeline_dsl.cli.options import DEFAULT_STORE, StoreOption, find_manifest, open_store
from pipeline_dsl.gates.verdict import require_ship
from pipeline_dsl.store.tree import Tree

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def serve(
    manifest: ManifestArgument = None,
    baseline: BaselineOption = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on.")] = 8000,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run, and serve its model if the verdict is SHIP.

    The verdict is computed now, from the store, and is bound to the digest of the very weights that are loaded. Exits 3 if
    the run is held, 4 if anything is not what its digest says. Ends on Ctrl-C.

    Example: pdsl serve .pdsl/runs/tiny-0a1b2c3d4e5f/manifest.yaml --port 8000
    """
    opened = open_store(store)
    path = find_manifest(manifest, store)
    artifact = require_ship(judge_manifest(path, baseline, opened))
    run = open_run(path, opened)
    tree = opened.verify(artifact)
    if tree.kind != "server_spec":
        raise Usage(f"this run ships a {tree.kind}, not a server", help="add a `Serve` stage to the pipeline")
    model = str(tree.meta["model"])
    spec = next(opened.blob(entry) for entry in tree.files if entry.path == "server.json")
    folder = opened.layout.root / "serving" / model.partition(":")[2][:16]
    _open(opened.verify(model), model, folder, store)
    _serve(folder, spec, host, port, f"{run.plan.pipeline} {run.plan.pipeline_version}")


def _open(tree: Tree, model: str, folder: Path, store: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        open_store(store).open_folder(model, folder)


def _serve(folder: Path, spec: Path, host: str, port: int, name: str) -> None:
    try:
        from pipeline_dsl.serving.server import serve as start
    except ModuleNotFoundError as error:
        raise Usage(f"serving needs `{error.name}`, which is not installed", help="pip install 'pdsl[serve]'") from error
    print(f"starting {name}")
    start(folder, spec, host=host, port=port)
