"""`pdsl store`: what was made, whether it is whole, and what can go."""

import json as codec
from typing import Annotated

import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import Exit
from pipeline_dsl.base.units import counted, dollars, duration, scaled
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, existing_store
from pipeline_dsl.store.keeping import collect, kept_by_runs
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.store import Damage

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


@app.callback()
def store() -> None:
    """List, verify or clean what was made.

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
