"""`pdsl log`: the decision log, and whether it is whole."""

import json as codec
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import LogBroken
from pipeline_dsl.base.units import counted
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, existing_store
from pipeline_dsl.cli.report import tame
from pipeline_dsl.gates.statement import require_logged, signed_at, spelled
from pipeline_dsl.runner.machine import author
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.log import Entry, Log
from pipeline_dsl.store.store import Store

SIGNED = ("override", "bootstrap", "exemption")
"""The kinds of entries that hold what somebody signed."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def log(
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the signatures in it, too, and the overrides of all runs against it.")
    ] = False,
    head: Annotated[str | None, typer.Option("--head", help="A digest that was noted before, which the log must still have.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Cut off a last line that a crash left half-written, and note that.")] = False,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show who let what out: bootstraps, overrides, exports and servers, each line chained to the one before by its digest.

    The chain is verified first. Its head, the digest of the last line, is printed last: note it elsewhere, and ask for it later
    with --head, and a log that was cut or written anew is found out. Exits 4, naming the line, if the log is not as it was written.

    Example: pdsl log --verify
    """
    opened = existing_store(store)
    found = Log(opened.layout.decisions)
    gone = found.repair(time=spelled(datetime.now(UTC)), by=author(Path())) if repair else 0
    entries, broken = found.sound()
    if json and not broken:
        data = {"version": 1, "head": entries[-1].digest if entries else None, "entries": [_data(entry) for entry in entries]}
        print(codec.dumps(data, indent=1))
    elif not json:
        for line in (*([f"{gone} bytes were cut off"] if gone else []), *map(_line, entries)):
            print(tame(line))
    if broken:
        found.entries()
    if head is not None and all(entry.digest != head for entry in entries):
        raise LogBroken(f"the decision log does not have the entry {head}", help="lines were cut from it, or it was written anew")
    if verify:
        _verify(entries, opened)
    if not json:
        print(f"{counted(len(entries), 'entry', 'entries')}, the chain is whole" + (f", head {entries[-1].digest}" if entries else ""))


def _verify(entries: Sequence[Entry], store: Store) -> None:
    """Raise BadSignature or LogBroken for a signature that does not match, or for something signed that the log does not have."""
    seen: set[str] = set()
    for entry in entries:
        if entry.kind in SIGNED or "signature" in entry.facts:
            require_logged(signed_at(entry), entries)
        used: Any = entry.facts.get("overrides")
        if isinstance(used, list) and not seen.issuperset(map(str, cast("list[Any]", used))):
            raise LogBroken(f"line {entry.number} of the decision log lets out by an override that no line before it has")
        seen.add(entry.digest)
    for path in sorted(store.layout.runs.glob("*/manifest.yaml")):
        for signed in manifests.read(path).overrides:
            require_logged(signed, entries)


def _data(entry: Entry) -> dict[str, Any]:
    return {"digest": entry.digest, **unstructure(entry)}


def _line(entry: Entry) -> str:
    """An entry as a person reads it; whatever is odd in one is printed as it is."""
    facts: Mapping[str, Any] = entry.facts
    said: Any = facts.get("statement")
    if isinstance(said, dict):
        words = cast("dict[str, Any]", said)
        gate = f" `{words['gate']}`" if words.get("gate") else ""
        what = f"{words.get('pipeline')}{gate}, signed by {words.get('reviewer')} until {words.get('expires')}: {words.get('reason')}"
        what += f"  policy {short(str(words.get('policy')))}"
    elif facts.get("artifact"):
        what = (
            f"{facts.get('pipeline')} {short(str(facts['artifact']))}, {facts.get('decision')}, verdict {short(str(facts.get('verdict')))}"
        )
    else:
        what = codec.dumps(facts)
    return f"{entry.number:>4}  {entry.time}  {entry.kind:<10} {what}  by {entry.by}  {short(entry.digest)}".replace("\n", " ")
