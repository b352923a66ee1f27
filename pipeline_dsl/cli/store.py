"""`pdsl store`: what was made, whether it is whole, what can go, and what others have."""

import json as codec
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import Exit, Usage
from pipeline_dsl.base.units import counted, dollars, duration, scaled
from pipeline_dsl.cli.meter import Meter
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, StoreOption, existing_store, find_manifest, open_store
from pipeline_dsl.cli.report import relative
from pipeline_dsl.store.keeping import collect, kept_by_runs
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.store import Damage

if TYPE_CHECKING:
    from pipeline_dsl.runner.sharing import Shared

Url = Annotated[
    str, typer.Argument(help="A bucket as s3://bucket/folder, gs:// or az://, or a folder that others reach.", show_default=False)
]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


@app.callback()
def store() -> None:
    """List, verify, clean or share what was made.

    Example: pdsl store verify
    """


@app.command("ls")
def list_store(json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """List every finished stage: what it made, how large that is, what it took.

    Example: pdsl store ls
    """
    opened = existing_store(store)
    found = sorted(opened.records(), key=lambda record: record.started)
    if json:
        print(codec.dumps({"version": 1, "records": [unstructure(record) for record in found]}, indent=1))
        return
    for record in found:
        tree = opened.tree(record.output)
        size = scaled(tree.size, "B")
        took = f"{duration(record.wall_clock_sec):>8}  {dollars(record.cost_usd)}"
        print(f"{record.output}  {tree.kind:<16} {size:>8}  {record.kind:<18} {took}")


@app.command()
def verify(json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Read everything in the store, and name each file that is not what its digest says. Exits 4 if there is one.

    Example: pdsl store verify
    """
    opened = existing_store(store)
    found = list(opened.damage())
    _, broken = Log(opened.layout.decisions).sound()
    if broken:
        found.append(Damage(opened.layout.decisions, f"line {broken.line}: {broken.fault}"))
    if json:
        print(codec.dumps({"version": 1, "damaged": [{"path": str(item.path), "fault": item.fault} for item in found]}, indent=1))
    else:
        for item in found:
            print(f"{item.path}: {item.fault}")
        print(counted(len(found), "damaged file") if found else "the store is whole")
    if found:
        raise typer.Exit(int(Exit.DIGEST))


@app.command()
def gc(
    damaged: Annotated[bool, typer.Option("--damaged", help="Remove what is damaged, too, so that it is made again.")] = False,
    aside: Annotated[bool, typer.Option("--aside", help="Remove what rollbacks set aside, too: they can then not be undone.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Remove what no run's manifest names. Artifacts of a run stay as long as its folder under runs/ does.

    Example: pdsl store gc --dry-run
    """
    opened = existing_store(store)
    result = collect(opened, kept_by_runs(opened), damaged=damaged, dry_run=dry_run, aside=aside)
    if json:
        print(codec.dumps({"version": 1, "files": result.files, "bytes": result.size, "dry_run": dry_run}))
    else:
        print(f"{'would remove' if dry_run else 'removed'} {counted(result.files, 'file')}, {scaled(result.size, 'B')}")


@app.command()
def push(url: Url, manifest: ManifestArgument = None, json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Send a run to a bucket: its artifacts, records, plan and manifest, and the decision log, as far as they are not there.

    What is there is never written again, but for the manifest; interrupted, the same command goes on. Credentials and the endpoint
    are those of the environment (AWS_PROFILE, AWS_ENDPOINT_URL). `pip install 'pdsl[remote]'` brings S3; `gcsfs` Google's buckets.

    Example: pdsl store push s3://team/runs
    """
    from pipeline_dsl.runner.sharing import push
    from pipeline_dsl.store.remote import Remote

    path = find_manifest(manifest, store)
    meter = Meter(url, quiet=json)
    try:
        shared = push(path, existing_store(store), Remote(url), meter)
    finally:
        meter.close()
    _tell(shared, f"pdsl store pull {url} {shared.run}", json=json)


@app.command()
def pull(
    url: Url,
    run: Annotated[str | None, typer.Argument(help="The run's name there; not needed where there is one.", show_default=False)] = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Bring a run from a bucket into the store, with all that its manifest names.

    Every file is hashed before it counts. Afterwards it is a run of this store: `gate`, `serve`, `export`, `replay` and `rollback` take it,
    and `run` finds its stages cached. Exits 4 if anything is not what its digest says.

    Example: pdsl store pull s3://team/runs tiny-0a1b2c3d4e5f
    """
    from pipeline_dsl.runner.sharing import pull, runs_of
    from pipeline_dsl.store.remote import Remote

    remote = Remote(url)
    known = [run] if run else runs_of(remote)
    if len(known) != 1:
        raise Usage(f"{url} has {counted(len(known), 'run')}", help=f"name one of them: {', '.join(known)}" if known else "push one first")
    meter = Meter(url, quiet=json)
    try:
        shared = pull(known[0], open_store(store), remote, meter)
    finally:
        meter.close()
    _tell(shared, f"pdsl gate {relative(str(shared.manifest))}", json=json)


def _tell(shared: "Shared", then: str, *, json: bool) -> None:
    if json:
        counts = {"files": shared.files, "bytes": shared.bytes, "there": shared.there}
        print(codec.dumps({"version": 1, "run": shared.run, "manifest": str(shared.manifest), **counts}))
        return
    print(f"{shared.run}: {counted(shared.files, 'file')}, {scaled(shared.bytes, 'B')}; {shared.there} were there")
    print(f"next: {then}")
