"""What there is to say of a difference, in sections: what alarms first."""

from collections.abc import Iterable, Iterator

import attrs

from pipeline_dsl.base.units import dollars, duration
from pipeline_dsl.cli.bill import spread
from pipeline_dsl.cli.formats.move import cells
from pipeline_dsl.cli.impact import Impact
from pipeline_dsl.gates.movement import Movement
from pipeline_dsl.plan.comparison import Pair


@attrs.frozen
class Section:
    """A heading and what is under it: lines, or rows of cells."""

    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def sections(found: Impact) -> Iterator[Section]:
    """What moved, what must run again and what that takes, and, of two runs, what came of it."""
    compared = found.comparison
    if found.flags:
        yield Section("Red flags", tuple(f"{flag.stage}: {flag.text}" if flag.stage else flag.text for flag in found.flags))
    if found.same:
        yield Section("Nothing differs" + (", but cost and wall clock" if found.drift else ""))
        return
    whole = [*compared.facts, *(attrs.evolve(gate, field=f"gate {gate.field}") for gate in compared.gates)]
    if whole:
        yield Section("Pipeline", head=("field", "was", "is"), rows=tuple(cells(move) for move in whole))
    changed = [pair for pair in compared.pairs if pair.fields]
    if changed:
        rows = tuple((pair.new.name, *cells(move)) for pair in changed if pair.new for move in pair.fields)
        yield Section("Fields", head=("stage", "field", "was", "is"), rows=rows)
    structure = tuple(_structure(compared.pairs))
    if structure:
        yield Section("Stages", structure)
    execution = tuple((pair.new.name, *cells(move)) for pair in compared.pairs if pair.new for move in pair.execution)
    if execution:
        yield Section("Where and how fast, which changes no result", head=("stage", "field", "was", "is"), rows=execution)
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


def _again(found: Impact) -> Iterator[Section]:
    invalid = [pair for pair in found.comparison.invalid if pair.new]
    if not invalid:
        yield Section("No stage must run again")
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
    yield Section(
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


def _came(found: Impact) -> Iterator[Section]:
    """What came of it: only of two runs."""
    if found.drift is None:
        return
    moved = [movement for movement in found.drift.movements if movement.old != movement.new]
    still = len(found.drift.movements) - len(moved)
    if moved:
        head = ("stage", "metric", "was", "is", "by", "")
        yield Section(f"Metrics moved, {still} did not", head=head, rows=tuple(_movement(movement) for movement in moved))
    elif still:
        yield Section(f"None of {still} metrics moved")
    if found.drift.shifts:
        rows = tuple((shift.stage or "the run", shift.what, shift.old or "none", shift.new or "none") for shift in found.drift.shifts)
        yield Section("Ran otherwise", head=("stage", "what", "was", "is"), rows=rows)


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
