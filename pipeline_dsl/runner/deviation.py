"""What is otherwise here than it was in a run: its plan, its code, its libraries, its machine."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Any, Literal

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.plan.comparison import Moved, Sketch, compare, outline
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.machine import this_machine
from pipeline_dsl.runner.stage import VERSION
from pipeline_dsl.store.record import Record

What = Literal["pipeline", "stage", "type", "version", "field", "input", "code", "package", "library", "pdsl", "python", "hardware"]

DECISIVE: frozenset[What] = frozenset({"pipeline", "stage", "type", "version", "field", "input"})
"""What makes it another run: what is otherwise here was declared, or raised, by a person."""


@attrs.frozen(kw_only=True)
class Deviation:
    """One thing, as it was in the run and as it is here; None where it is not there. `stages` are those that it is about."""

    what: What
    name: str
    recorded: Any
    here: Any
    stages: tuple[str, ...] = ()

    @property
    def decisive(self) -> bool:
        """Whether what would run here is not what was run."""
        return self.what in DECISIVE

    @property
    def listed_only(self) -> bool:
        """Whether it is no reason to expect another result: hardware is always somebody's own."""
        return self.what == "hardware"

    def __str__(self) -> str:
        place = f"`{', '.join(self.stages)}`: " if self.stages else ""
        return f"{place}{self.what} {self.name}: {_shown(self.recorded)} in the run, {_shown(self.here)} here"


def of_plans(recorded: Plan, here: Plan) -> Iterator[Deviation]:
    """Each field and input by which a plan is another one; stages that only read what changed are left out."""
    found = compare(outline(recorded), outline(here))
    for move in (*found.facts, *(attrs.evolve(gate, field=f"gate {gate.field}") for gate in found.gates)):
        yield Deviation(what="pipeline", name=move.field, recorded=move.old, here=move.new)
    for pair in found.pairs:
        if pair.old and pair.new:
            for move in pair.fields:
                yield Deviation(what=_what(move, pair.new), name=move.field, recorded=move.old, here=move.new, stages=(pair.old.name,))
        elif pair.old:
            yield Deviation(what="stage", name=pair.old.name, recorded=pair.old.type, here=None, stages=(pair.old.name,))
        elif pair.new:
            yield Deviation(what="stage", name=pair.new.name, recorded=None, here=pair.new.type)


def _what(move: Moved, stage: Sketch) -> What:
    if move.field == "type" or move.field == "version":
        return move.field
    return "input" if re.split(r"[.\[]", move.field)[0] in stage.inputs else "field"


def of_machine(records: Mapping[str, Record]) -> list[Deviation]:
    """The libraries, the pdsl, the Python and the hardware of each stage, held against what is here."""
    found: list[Deviation] = []
    machine = this_machine()
    for name, record in records.items():

        def held(what: What, about: str, was: object, now: object, name: str = name) -> None:
            if was != now:
                found.append(Deviation(what=what, name=about, recorded=was, here=now, stages=(name,)))

        held("pdsl", "version", record.pdsl, VERSION)
        held("python", "version", record.python, sys.version.split()[0])
        for about in ("processor", "system", "cores", "memory"):
            held("hardware", about, getattr(record.machine, about), getattr(machine, about))
        for library, version in record.libraries.items():
            held("library", library, version, installed(library))
    return together(found)


def together(found: Iterable[Deviation]) -> list[Deviation]:
    """The same deviation of several stages as one."""
    merged: dict[tuple[str, ...], Deviation] = {}
    for item in found:
        key = (item.what, item.name, repr(item.recorded), repr(item.here))
        stages = (*merged[key].stages, *item.stages) if key in merged else item.stages
        merged[key] = attrs.evolve(item, stages=stages)
    return list(merged.values())


def installed(library: str) -> str | None:
    """The version of a library that is installed here; `unknown` where it is there and has none, as records say it."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        from importlib.util import find_spec

        return "unknown" if library.isidentifier() and find_spec(library) else None


def _shown(value: Any) -> str:
    text = "nothing" if value is None else short(value) if str(value).startswith("sha256") else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
