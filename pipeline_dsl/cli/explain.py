"""`pdsl explain`: what a code means, what earns it and what does not."""

import difflib
import json as jsons
from collections.abc import Iterator
from itertools import groupby
from typing import Annotated, Any

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli import report
from pipeline_dsl.cli.options import JsonOption
from pipeline_dsl.compiler import examples
from pipeline_dsl.compiler.catalogue import Entry, catalogue

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def explain(
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="A code, such as PDSL201; without one, all are listed.")] = None,
    json: JsonOption = False,
) -> None:
    """Explain a code: what it means, a pipeline that earns it, what is said about that one, and the same done right.

    Exits 2 if there is no such code.

    Example: pdsl explain PDSL201
    """
    entry = _find(code) if code else None
    if json:
        print(jsons.dumps(_data(entry) if entry else [_data(other) for other in entries()], indent=1, ensure_ascii=False))
    elif entry:
        print(_page(entry))
    else:
        print("\n".join(_index()))


def entries() -> list[Entry]:
    """Everything that has a code, in order."""
    return list(catalogue().values())


def _index() -> Iterator[str]:
    """All codes, under what they are about."""
    for part, found in groupby(entries(), key=lambda entry: entry.part):
        yield f"{part}:"
        for entry in found:
            yield f"  {entry.code}  {entry.kind:7}  {entry.first_line}"


def _find(code: str) -> Entry:
    """The entry of a code, however it is spelled: `PDSL201`, `pdsl201` or `201`.

    Raises: Usage, with the code that may have been meant.
    """
    found = catalogue()
    wanted = code.strip().upper()
    wanted = f"PDSL{wanted}" if wanted.isdecimal() else wanted
    if wanted in found:
        return found[wanted]
    titles = {entry.title.lower(): entry.code for entry in found.values()}
    close = difflib.get_close_matches(wanted, found, n=1) or difflib.get_close_matches(code.lower(), titles, n=1)
    meant = f"did you mean {titles.get(close[0], close[0])}? " if close else ""
    raise Usage(f"there is no code {code}", help=f"{meant}`pdsl explain` lists all codes")


def _page(entry: Entry) -> str:
    parts = [f"{entry.code}  {entry.title} ({entry.kind})", entry.text]
    if entry.bad:
        text, said = refused(entry)
        parts += ["This is refused:" if entry.kind == "error" else "This is warned of:", _indented(text), "With:", _indented(said)]
    if entry.good:
        parts += ["This is right:", _indented(examples.module(entry.good))]
    return "\n\n".join(parts)


def refused(entry: Entry) -> tuple[str, str]:
    """The pipeline that earns a code, as a whole module, and what is said about it."""
    tried = examples.try_out(entry.bad)
    said = "\n\n".join(report.text(diagnostic) for diagnostic in tried.diagnostics)
    return tried.text, said.replace(f"{tried.folder}/", "")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().split("\n"))


def _data(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = {"code": entry.code, "title": entry.title, "part": entry.part, "kind": entry.kind, "text": entry.text}
    if entry.bad:
        facts |= {"bad": examples.module(entry.bad), "good": examples.module(entry.good)}
    return facts
