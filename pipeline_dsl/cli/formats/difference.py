"""A difference as text for a terminal, as Markdown for a pull request, and as JSON for a program."""

import json as codec
import re
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.units import dollars, duration
from pipeline_dsl.cli.bill import aligned, spread
from pipeline_dsl.cli.impact import Impact
from pipeline_dsl.cli.side import Side
from pipeline_dsl.gates.drift import Movement
from pipeline_dsl.plan.comparison import Moved, Pair

_LONG = 100


@attrs.frozen
class _Section:
    """A heading and what is under it: lines, or rows of cells."""

    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def as_text(found: Impact) -> str:
    """A difference as a person reads it, what alarms first."""
    lines = [f"from {_named(found.old)}", f"to   {_named(found.new)}"]
    for section in _sections(found):
        lines += ["", f"{section.title}:" if section.lines or section.rows else section.title]
        lines += [f"  {line}" for line in section.lines]
        lines += [f"  {line}" for line in aligned(section.rows)] if section.rows else []
    return "\n".join(_tame(line) for line in lines) + "\n"


def as_markdown(found: Impact) -> str:
    """A difference as a comment on a pull request."""
    lines = [f"### {_cell(found.new.outline.facts.get('pipeline', 'pipeline'))}: {_verdict(found)}", ""]
    lines += [f"From `{_code(found.old.label)}` to `{_code(found.new.label)}`"]
    for section in _sections(found):
        lines += ["", f"**{_cell(section.title)}**", ""]
        lines += [f"- {_cell(line)}" for line in section.lines]
        if section.rows:
            lines += [_table_row(section.head), _table_row(["---"] * len(section.head)), *map(_table_row, section.rows)]
    return "\n".join(lines) + "\n"


def as_data(found: Impact) -> dict[str, Any]:
    """A difference as plain data."""
    compared = found.comparison
    return {
        "version": 1,
        "same": found.same,
        "old": _side_data(found.old),
        "new": _side_data(found.new),
        "pipeline": [unstructure(move) for move in compared.facts],
        "gates": [unstructure(move) for move in compared.gates],
        "stages": [_pair_data(pair) for pair in compared.pairs],
        "invalidated": [pair.new.name for pair in compared.invalid if pair.new],
        "cost": {**unstructure(found.cost), "unknown": list(found.unknown)},
        "costs": [
            {
                "stage": part.stage.name,
                "measured": part.measured,
                "seconds": unstructure(part.seconds),
                "usd": unstructure(part.usd),
                "device": part.stage.device,
                "device_hours": unstructure(part.hours),
            }
            for part in found.costs
        ],
        "metrics": [unstructure(movement) for movement in found.drift.movements] if found.drift else None,
        "ran_otherwise": [unstructure(shift) for shift in found.drift.shifts] if found.drift else None,
        "red_flags": [unstructure(flag) for flag in found.flags],
    }


def _side_data(side: Side) -> dict[str, Any]:
    run = side.run
    return {
        "name": side.label,
        "plan": side.plan.digest if side.plan else run.manifest.plan if run else None,
        "run": None if run is None else {"status": run.manifest.status, "confirmed": sorted(run.records)},
    }


def _pair_data(pair: Pair) -> dict[str, Any]:
    return {
        "old": pair.old.name if pair.old else None,
        "new": pair.new.name if pair.new else None,
        "renamed": pair.renamed,
        "fate": "removed" if pair.new is None else pair.fate,
        "because": list(pair.because),
        "fields": [unstructure(move) for move in pair.fields],
        "execution": [unstructure(move) for move in pair.execution],
    }


def _sections(found: Impact) -> Iterator[_Section]:
    compared = found.comparison
    if found.flags:
        yield _Section("Red flags", tuple(f"{flag.stage}: {flag.text}" if flag.stage else flag.text for flag in found.flags))
    if found.same:
        yield _Section("Nothing differs" + (", but cost and wall clock" if found.drift else ""))
        return
    whole = [*compared.facts, *(attrs.evolve(gate, field=f"gate {gate.field}") for gate in compared.gates)]
    if whole:
        yield _Section("Pipeline", head=("field", "was", "is"), rows=tuple(_move(move) for move in whole))
    changed = [pair for pair in compared.pairs if pair.fields]
    if changed:
        rows = tuple((pair.new.name, *_move(move)) for pair in changed if pair.new for move in pair.fields)
        yield _Section("Fields", head=("stage", "field", "was", "is"), rows=rows)
    structure = tuple(_structure(compared.pairs))
    if structure:
        yield _Section("Stages", structure)
    execution = tuple((pair.new.name, *_move(move)) for pair in compared.pairs if pair.new for move in pair.execution)
    if execution:
        yield _Section("Where and how fast, which changes no result", head=("stage", "field", "was", "is"), rows=execution)
    yield from _again(found)
    yield from _came(found)


def _structure(pairs: Iterable[Pair]) -> Iterator[str]:
    renumbered = 0
    for pair in pairs:
        if pair.old is None and pair.new is not None:
            yield f"{pair.new.name} added ({pair.new.type})"
        elif pair.new is None and pair.old is not None:
            yield f"{pair.old.name} removed ({pair.old.type})"
        elif pair.old and pair.new and pair.renamed:
            yield f"{pair.old.name} renamed {pair.new.name}" + (", its definition is the same" if pair.fate == "same" else "")
        elif pair.old and pair.new and pair.old.name != pair.new.name:
            renumbered += 1
    if renumbered:
        yield f"{renumbered} stand elsewhere, and have another number in their name"


def _again(found: Impact) -> Iterator[_Section]:
    invalid = [pair for pair in found.comparison.invalid if pair.new]
    if not invalid:
        yield _Section("No stage must run again")
        return
    parts = {part.stage.name: part for part in found.costs}
    rows: list[tuple[str, ...]] = []
    for pair in invalid:
        name = pair.new.name if pair.new else ""
        part = parts.get(name)
        why = f"below {', '.join(pair.because)}" if pair.because else pair.fate
        if part is None:
            rows.append((name, why, "unknown", "unknown", ""))
            continue
        usd = "price unknown" if part.usd is None else spread(part.usd, dollars)
        rows.append((name, why, spread(part.seconds, duration), usd, "measured" if part.measured else "estimated"))
    yield _Section(
        f"{len(invalid)} stage{'s' if len(invalid) > 1 else ''} invalidated: {_cost(found)}",
        head=("stage", "why", "time", "USD", ""),
        rows=tuple(rows),
    )


def _cost(found: Impact) -> str:
    cost = found.cost
    if not found.costs:
        return "what that costs is not known, its plan is not here"
    usd = "price unknown" if cost.usd is None else spread(cost.usd, dollars)
    hours = " + ".join(f"{spread(hours, lambda hours: f'{hours:,.3g}')} hours of {device}" for device, hours in cost.hours.items())
    least = "at least " if found.unknown else ""
    return f"{least}{usd}, {hours}, {spread(cost.seconds, duration)} one after another"


def _came(found: Impact) -> Iterator[_Section]:
    """What came of it: only of two runs."""
    if found.drift is None:
        return
    moved = [movement for movement in found.drift.movements if movement.old != movement.new]
    still = len(found.drift.movements) - len(moved)
    if moved:
        head = ("stage", "metric", "was", "is", "by", "")
        yield _Section(f"Metrics moved, {still} did not", head=head, rows=tuple(_movement(movement) for movement in moved))
    elif still:
        yield _Section(f"None of {still} metrics moved")
    if found.drift.shifts:
        rows = tuple((shift.stage or "the run", shift.what, shift.old or "none", shift.new or "none") for shift in found.drift.shifts)
        yield _Section("Ran otherwise", head=("stage", "what", "was", "is"), rows=rows)


def _movement(movement: Movement) -> tuple[str, ...]:
    by, around = "", ""
    if movement.old is not None and movement.new is not None:
        by = f"{movement.new - movement.old:+.4g} {movement.unit}".rstrip()
    if movement.difference is not None and movement.difference.interval is not None:
        low, high = movement.difference.interval
        around = f" [{low:.3g}, {high:.3g}]{' paired' if movement.difference.paired else ''}"
    said = {True: "beyond noise", False: "within noise", None: "only claimed" if movement.claimed else "no interval is known"}
    values = tuple("none" if value is None else f"{value:.5g}" for value in (movement.old, movement.new))
    return movement.stage, movement.metric, *values, by + around, said[movement.beyond]


def _move(move: Moved) -> tuple[str, str, str]:
    """(field, what it was, what it is), as far as they differ where they are long."""
    if move.kind == "added":
        return move.field, "(not there)", _cut(_spelled(move.new), 0)
    if move.kind == "removed":
        return move.field, _cut(_spelled(move.old), 0), "(gone)"
    was, is_ = (_spelled(value) for value in (move.old, move.new))
    shared = next((at for at, (one, other) in enumerate(zip(was, is_, strict=False)) if one != other), min(len(was), len(is_)))
    start = max(0, shared - _LEAD) if max(len(was), len(is_)) > _LONG else 0
    return move.field, _cut(was, start), _cut(is_, start)


_LEAD = 30
"""Characters that two long values share, shown in front of where they differ."""


def _spelled(value: Any) -> str:
    """A value as JSON; words without quotes, unless they could be taken for another value."""
    quoted = codec.dumps(value, ensure_ascii=False, default=str)
    if not isinstance(value, str) or not value or not value.isprintable():
        return quoted
    try:
        codec.loads(value)
    except ValueError:
        return value
    return quoted


def _cut(text: str, start: int) -> str:
    end = start + _LONG
    return ("..." if start else "") + text[start:end] + ("..." if len(text) > end else "")


def _named(side: Side) -> str:
    digest = side.plan.digest if side.plan else side.run.manifest.plan if side.run else ""
    if side.run is None:
        return f"{side.label}, plan {short(digest)}"
    confirmed, stages = len(side.run.records), len(side.run.manifest.stages)
    backing = f"{confirmed} of {stages} stages confirmed by the store" if confirmed else "only claimed: the store has none of it"
    return f"{side.label}, a run of plan {short(digest)}, {side.run.manifest.status}, {backing}"


def _verdict(found: Impact) -> str:
    if found.same:
        return "nothing differs"
    invalid = len(found.comparison.invalid)
    flags = f"{len(found.flags)} red flag{'s' if len(found.flags) > 1 else ''}, " if found.flags else ""
    return f"{flags}{invalid} stage{'' if invalid == 1 else 's'} to run again"


def _tame(text: str) -> str:
    """Text without the characters that would command a terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", lambda found: repr(found.group())[1:-1], text)


def _cell(text: str) -> str:
    """Text that Markdown shows as it is, in a table or out of it."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@])", r"\\\1", _tame(text))


def _code(text: str) -> str:
    return _tame(text).replace("`", "'")


def _table_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell if cell == "---" else _cell(cell) for cell in cells) + " |"
