"""`pdsl cancel`: end what was submitted."""

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.options import DEFAULT_STORE, ManifestArgument, StoreOption, find_manifest
from pipeline_dsl.render.generate import launched

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def cancel(
    manifest: ManifestArgument = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """End every job of a submitted run that has not ended. What is done stays; `pdsl submit` goes on from there.

    Example: pdsl cancel
    """
    found = launched(find_manifest(manifest, store).parent)
    if not found:
        raise Usage("this run was not submitted to a cluster", help="a `pdsl run` is ended by Ctrl-C")
    for backend, folder in found:
        ended = backend.cluster().cancel(folder)
        names = ", ".join(f"{job.stage} ({job.number})" for job in ended)
        print(f"{backend.name}: cancelled {names}" if ended else f"{backend.name}: nothing was running")
