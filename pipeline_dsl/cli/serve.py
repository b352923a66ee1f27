"""`pdsl serve`: the server of a run, for good, once a gate let its model out."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.gate import BaselineOption, decide_opened, open_run, tell_notes
from pipeline_dsl.cli.options import DEFAULT_STORE, ManifestArgument, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.gates.decision import let_out, require_ship
from pipeline_dsl.runner.machine import author
from pipeline_dsl.store.layout import tail

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def serve(
    manifest: ManifestArgument = None,
    baseline: BaselineOption = None,
    policy: PolicyOption = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on.")] = 8000,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run, and serve its model if the verdict is SHIP, or a reviewer's override stands.

    The verdict is computed now, from the store, and is bound to the digest of the very weights that are loaded; the decision log
    has it before the server starts. An override is asked for when the server starts, and not again when it expires. Exits 3 if the
    run is held, 4 if anything is not what its digest or signature says. Ends on Ctrl-C.

    Example: pdsl serve .pdsl/runs/tiny-0a1b2c3d4e5f/manifest.yaml --port 8000
    """
    opened = open_store(store)
    run = open_run(find_manifest(manifest, store), opened)
    decision = decide_opened(run, baseline, policy)
    artifact = require_ship(decision)
    tree = opened.verify(artifact)
    if tree.kind != "server_spec":
        raise Usage(f"this run ships a {tree.kind}, not a server", help="add a `Serve` stage to the pipeline")
    model = str(tree.meta["model"])
    spec = next(opened.blob(entry) for entry in tree.files if entry.path == "server.json")
    opened.verify(model)
    folders = opened.layout.root / "serving"
    folders.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{tail(model)[:12]}-", dir=folders) as folder:  # anew each time: nobody has put anything into it
        opened.open_folder(model, Path(folder))
        let_out(run, decision, "serve", now=datetime.now(UTC), by=author(Path()))
        tell_notes(decision)
        _serve(Path(folder), spec, host, port, f"{run.plan.pipeline} {run.plan.pipeline_version}")


def _serve(folder: Path, spec: Path, host: str, port: int, name: str) -> None:
    try:
        from pipeline_dsl.serving.server import serve as start
    except ModuleNotFoundError as error:
        raise Usage(f"serving needs `{error.name}`, which is not installed", help="pip install 'pdsl[serve]'") from error
    print(f"starting {name}")
    start(folder, spec, host=host, port=port)
