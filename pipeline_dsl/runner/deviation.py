"""What is otherwise here than it was in a run: its plan, its code, its libraries, its machine."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Any, Literal, cast

import attrs

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.plan.plan import Plan, PlannedStage
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
    """Each field and input by which a plan is another one; stages that only read what changed are left out.

    Stages are told by what they are, then by their names, since a stage put before another moves the number in its name.
    """
    pairs = paired(recorded, here)
    called = {now.name: was.name for was, now in pairs if was and now}
    for name, was, now in nested("", _whole(recorded, {}), _whole(here, called)):
        yield Deviation(what="pipeline", name=name.removeprefix("."), recorded=was, here=now)
    for was, now in pairs:
        if was is None or now is None:
            stage = was or now
            assert stage is not None
            yield Deviation(
                what="stage",
                name=stage.name,
                recorded=was and was.type,
                here=now and now.type,
                stages=(stage.name,) if was else (),
            )
        elif was.definition != now.definition:
            yield from _of_stages(was, now, called)


def _whole(plan: Plan, called: Mapping[str, str]) -> dict[str, Any]:
    """What a plan says of no single stage."""
    return {
        **{name: getattr(plan, name) for name in ("pipeline", "pipeline_version", "seed", "budget_usd", "budget_kl")},
        "gates": [str(gate) for gate in plan.gates],
        "baseline": _renamed(unstructure(plan.baseline), called),
        "ships": _renamed(plan.ships, called),
    }


def paired(recorded: Plan, here: Plan) -> list[tuple[PlannedStage | None, PlannedStage | None]]:
    """The stages of two plans, each beside the one that it is in the other; in the order of the first, then what is new."""
    same = {stage.definition: stage for stage in here.stages}
    left = {stage.name: stage for stage in here.stages}
    found: dict[str, PlannedStage | None] = {}
    for stage in recorded.stages:
        found[stage.name] = left.pop(same[stage.definition].name, None) if stage.definition in same else None
    for stage in recorded.stages:
        if found[stage.name] is None:
            near = left.get(stage.name) or next((other for other in left.values() if other.kind == stage.kind), None)
            if near is not None and near.kind == stage.kind:
                found[stage.name] = left.pop(near.name)
    return [*((stage, found[stage.name]) for stage in recorded.stages), *((None, stage) for stage in left.values())]


def _of_stages(was: PlannedStage, now: PlannedStage, called: Mapping[str, str]) -> Iterator[Deviation]:
    def held(what: What, name: str, before: object, after: object) -> Iterator[Deviation]:
        for path, one, other in nested(name, before, after):
            yield Deviation(what=what, name=path, recorded=one, here=other, stages=(was.name,))

    yield from held("type", "type", was.type, now.type)
    yield from held("version", "version", was.version, now.version)
    for name in sorted({*was.fields, *now.fields}):
        yield from held("field", name, was.fields.get(name), now.fields.get(name))
    inputs = _renamed(now.inputs, called)
    for name in sorted({*was.inputs, *inputs}):
        yield from held("input", name, was.inputs.get(name), inputs.get(name))


def _renamed(shape: Any, called: Mapping[str, str]) -> Any:
    if isinstance(shape, Mapping):
        return {key: _renamed(item, called) for key, item in cast("Mapping[str, Any]", shape).items()}
    if isinstance(shape, list | tuple):
        return [_renamed(item, called) for item in cast("list[Any]", shape)]
    return called.get(shape, shape) if isinstance(shape, str) else shape


def nested(path: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two values of JSON differ: the path of each leaf with what it is in either; None where it is not."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        one, other = cast("Mapping[str, Any]", was), cast("Mapping[str, Any]", now)
        for key in sorted({*one, *other}):
            yield from nested(f"{path}.{key}", one.get(key), other.get(key))
    elif isinstance(was, list | tuple) and isinstance(now, list | tuple):
        first, second = cast("list[Any]", was), cast("list[Any]", now)
        if len(first) != len(second):
            yield path, was, now
            return
        for index, (before, after) in enumerate(zip(first, second, strict=True)):
            yield from nested(f"{path}[{index}]", before, after)
    elif was != now or isinstance(was, bool) != isinstance(now, bool):
        yield path, was, now


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
