"""How the items of a contamination gate are shown: which, where they are in the training data, and who exempted which."""

from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.gates.decision import Decision
from pipeline_dsl.lang.overlap import Sighting

SHOWN = 10
"""Items that are shown; all of them are in the evidence."""
WIDTH = 160
"""Characters of a span; the middle of a longer one is left out."""
AROUND = 30


def data(decision: Decision, index: int) -> dict[str, Any]:
    """What a program reads of a row beside the row: nothing, where it is about no items."""
    items = decision.contaminated.get(index)
    if items is None:
        return {}
    exempted = [{"item": hit.digest, "by": list(decision.exempted.items[hit.digest])} for hit in items.exempted]
    return {
        "contaminated": len(items.hits),
        "left": items.value,
        "passes_by_exemption": items.passes,
        "exempted": exempted,
        "items": [unstructure(hit) for hit in items.left[:SHOWN]],
    }


def lines(decision: Decision, index: int) -> Iterator[str]:
    """What a person reads of it, after the row."""
    items = decision.contaminated.get(index)
    if items is None:
        return
    exempted = items.exempted
    entries = sorted({entry for hit in exempted for entry in decision.exempted.items[hit.digest]})
    for entry in entries:
        signed = decision.exempted.people[entry]
        count = sum(entry in decision.exempted.items[hit.digest] for hit in exempted)
        yield f"{count} of {len(items.hits)} items exempted by {signed.reviewer} until {signed.expires}: {signed.reason}"
    if exempted:
        yield f"without them: {items.value:.4g}"
    for hit in items.left[:SHOWN]:
        yield f"{hit.set} {hit.item}: {hit.words} of {hit.of} words, item {short(hit.digest)}"
        yield from (f"  {_place(seen)}" for seen in hit.seen[:1])
    if len(items.left) > SHOWN:
        yield f"... and {len(items.left) - SHOWN} more items in `hits.jsonl` of the evidence"


def _place(seen: Sighting) -> str:
    who = f", id {seen.id}" if seen.id else ""
    return f"in {seen.data}, {seen.file}:{seen.line} {seen.where} at {seen.start:,}{who}: {_span(seen)}"


def _span(seen: Sighting) -> str:
    text = seen.text if len(seen.text) <= WIDTH else f"{seen.text[: WIDTH // 2]} [...] {seen.text[-WIDTH // 2 :]}"
    before, after = seen.before[-AROUND:], seen.after[:AROUND]
    return " ".join(f"...{before}[[{text}]]{after}...".split())
