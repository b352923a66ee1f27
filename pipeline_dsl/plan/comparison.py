"""What two pipelines declare differently, and which stages that invalidates."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, cast

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.plan.plan import Plan, PlannedGate, PlannedStage, bare, leaves, reshape

Kind = Literal["changed", "added", "removed"]
Fate = Literal["same", "added", "changed", "descendant"]


@attrs.frozen(kw_only=True)
class Moved:
    """A field, by its path, and what it was and is."""

    field: str
    kind: Kind = "changed"
    old: Any = None
    new: Any = None
    note: str = ""


@attrs.frozen(kw_only=True)
class Sketch:
    """What is declared of a stage. `execution` says where and how fast it runs, as far as that is known."""

    name: str
    type: str
    version: int
    fields: Mapping[str, Any]
    inputs: Mapping[str, Any]
    definition: str
    execution: Mapping[str, Any] = {}


@attrs.frozen(kw_only=True)
class Outline:
    """What is declared of a pipeline: `facts` of the whole, its gates with the stages that measure them, and its stages in an order in
    which they can run. A fact that is not here is not known."""

    facts: Mapping[str, Any]
    gates: tuple[tuple[str, str | None, PlannedGate | None], ...]
    stages: tuple[Sketch, ...]


@attrs.frozen(kw_only=True)
class Pair:
    """A stage as it was and as it is; one of them is None if it was added or removed.

    `fate` says why it would run: it was added, its own fields or inputs changed, or it is the descendant of such a stage, and then of
    which, in `because`.
    """

    old: Sketch | None
    new: Sketch | None
    fields: tuple[Moved, ...] = ()
    execution: tuple[Moved, ...] = ()
    fate: Fate = "same"
    because: tuple[str, ...] = ()

    @property
    def renamed(self) -> bool:
        """Whether it is called otherwise now, beyond the number that its place gives it."""
        return self.old is not None and self.new is not None and bare(self.old.name) != bare(self.new.name)


@attrs.frozen(kw_only=True)
class Comparison:
    """Two pipelines, compared: facts and gates that moved, and every stage, those that were removed last."""

    facts: tuple[Moved, ...]
    gates: tuple[Moved, ...]
    pairs: tuple[Pair, ...]

    @property
    def same(self) -> bool:
        """Whether both declare the same, and run it the same way."""
        return not (self.facts or self.gates) and all(
            pair.fate == "same" and pair.new is not None and not pair.renamed and not pair.execution for pair in self.pairs
        )

    @property
    def invalid(self) -> tuple[Pair, ...]:
        """The stages that would run, early cutoffs aside."""
        return tuple(pair for pair in self.pairs if pair.new is not None and pair.fate != "same")


def outline(plan: Plan) -> Outline:
    """What a plan declares."""
    facts = {name: getattr(plan, name) for name in ("pipeline", "pipeline_version", "seed", "budget_usd", "budget_kl", "ships")}
    return Outline(
        facts={**facts, "baseline": unstructure(plan.baseline)},
        gates=tuple((str(gate), gate.stage, gate) for gate in plan.gates),
        stages=tuple(sketch(stage) for stage in plan.stages),
    )


def sketch(stage: PlannedStage) -> Sketch:
    """What a plan declares of a stage."""
    where = {name: getattr(stage, name) for name in ("device", "devices", "nodes", "hourly_usd", "tier", "on_failure", "pin", "cores")}
    return Sketch(
        name=stage.name,
        type=stage.type,
        version=stage.version,
        fields=stage.fields,
        inputs=stage.inputs,
        definition=stage.definition,
        execution={**where, **stage.execution},
    )


def compare(old: Outline, new: Outline) -> Comparison:
    """What `new` declares otherwise than `old`. What only one of them knows is not compared."""
    matched = _match(old.stages, new.stages)
    before = {stage.name: stage for stage in old.stages}
    pairs: dict[str, Pair] = {}
    for stage in new.stages:
        pairs[stage.name] = _pair(before.get(matched.get(stage.name, "")), stage, matched, pairs)
    gone = set(before) - set(matched.values())
    return Comparison(
        facts=tuple(_facts(old, new, matched)),
        gates=tuple(_gates(old, new, matched)),
        pairs=(*pairs.values(), *(Pair(old=stage, new=None) for stage in old.stages if stage.name in gone)),
    )


def moved(old: Any, new: Any, path: str = "") -> Iterator[Moved]:
    """Where two values of plain data differ, as deep as they have the same shape."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        first, second = cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", new)
        for key in dict.fromkeys([*first, *second]):
            yield from _entry(first.get(key, _ABSENT), second.get(key, _ABSENT), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and path:
        yield from _items(cast("list[Any]", old), cast("list[Any]", new), path)
    elif spell(old) != spell(new):
        yield Moved(field=path, old=old, new=new)


_ABSENT = object()


def _items(old: list[Any], new: list[Any], path: str) -> Iterator[Moved]:
    """Lists of one length item by item; others by what they have more of, so that one item in front does not move all."""
    if len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from moved(one, other, f"{path}[{index}]")
        return
    gone = list(new)
    for item in old:
        if item in gone:
            gone.remove(item)
        else:
            yield Moved(field=f"{path}[]", kind="removed", old=item)
    yield from (Moved(field=f"{path}[]", kind="added", new=item) for item in gone)


def _entry(old: Any, new: Any, path: str) -> Iterator[Moved]:
    if old is _ABSENT:
        yield Moved(field=path, kind="added", new=new)
    elif new is _ABSENT:
        yield Moved(field=path, kind="removed", old=old)
    else:
        yield from moved(old, new, path)


def _pair(old: Sketch | None, new: Sketch, matched: Mapping[str, str], done: Mapping[str, Pair]) -> Pair:
    if old is None:
        return Pair(old=None, new=new, fate="added")
    known = old.execution.keys() & new.execution.keys()
    execution = tuple(moved({key: old.execution[key] for key in known}, {key: new.execution[key] for key in sorted(known)}))
    if old.definition == new.definition:
        return Pair(old=old, new=new, execution=execution)
    own = {"type": (old.type, new.type), "version": (old.version, new.version)}
    fields = [Moved(field=name, old=was, new=is_) for name, (was, is_) in own.items() if was != is_]
    fields += moved(dict(old.fields), dict(new.fields))
    fields += moved(dict(old.inputs), _translated(new, matched))
    if fields:
        return Pair(old=old, new=new, fields=tuple(fields), execution=execution, fate="changed")
    roots = [name for parent in new_parents(new) for name in (done[parent].because or (parent,)) if done[parent].fate != "same"]
    return Pair(old=old, new=new, execution=execution, fate="descendant", because=tuple(dict.fromkeys(roots)))


def new_parents(stage: Sketch) -> Iterator[str]:
    """The stages that a stage reads."""
    return (name for shape in stage.inputs.values() for name in leaves(shape))


def _translated(stage: Sketch, matched: Mapping[str, str]) -> dict[str, Any]:
    """A stage's inputs by the names that their producers had before."""
    names = {name: matched.get(name, f"{name} (added)") for name in new_parents(stage)}
    return {field: reshape(shape, names) for field, shape in stage.inputs.items()}


# Which stage is which.

_Key = Callable[[Sketch, Mapping[str, Any] | None], object]


def _match(old: tuple[Sketch, ...], new: tuple[Sketch, ...]) -> dict[str, str]:
    """The name that each stage had before, for those that were there before.

    The number in a default name says only where a stage stands. So stages of one definition are the same; then those of one type whose
    fields and inputs are the same, or whose fields only they have, or one of both and their names; at last those of one name, or the
    only ones of their type.
    """
    matched: dict[str, str] = {}
    left = {stage.name: stage for stage in old}
    _sweep(new, left, matched, lambda stage, inputs: stage.definition)
    rest = [stage for stage in new if stage.name not in matched]
    if {stage.name: stage.type for stage in rest} == {name: stage.type for name, stage in left.items()}:
        return matched | {stage.name: stage.name for stage in rest}
    spelled = {id(stage): spell([stage.type, stage.version, stage.fields]) for stage in (*old, *new)}
    strong: list[_Key] = [
        lambda stage, inputs: None if inputs is None else (spelled[id(stage)], spell(inputs)),
        lambda stage, inputs: None if inputs is None else (stage.type, bare(stage.name), spell(inputs)),
        lambda stage, inputs: (spelled[id(stage)], bare(stage.name)),
    ]
    weak: list[_Key] = [
        lambda stage, inputs: spelled[id(stage)],
        lambda stage, inputs: None if inputs is None else (stage.type, spell(inputs)),
        lambda stage, inputs: (stage.type, stage.name),
        lambda stage, inputs: (stage.type, bare(stage.name)),
        lambda stage, inputs: None if re.match(r"\d", stage.name) else stage.name,
    ]
    while (
        _sweep(new, left, matched, strong[0])
        or _sweep(new, left, matched, _alone(new, left, matched, weak[0]))
        or any(_sweep(new, left, matched, rule) for rule in strong[1:])
        or any(_sweep(new, left, matched, rule, once=True) for rule in weak)
    ):
        continue
    _sweep(new, left, matched, _alone(new, left, matched, lambda stage, inputs: stage.type))
    return matched


def _alone(new: Iterable[Sketch], left: Mapping[str, Sketch], matched: Mapping[str, str], rule: _Key) -> _Key:
    """A rule for what is the only one of its key on both sides."""
    before = Counter(rule(stage, None) for stage in left.values())
    after = Counter(rule(stage, None) for stage in new if stage.name not in matched)
    return lambda stage, inputs: key if before[key := rule(stage, None)] == after[key] == 1 else None


def _sweep(new: Iterable[Sketch], left: dict[str, Sketch], matched: dict[str, str], rule: _Key, *, once: bool = False) -> bool:
    """Match what a rule calls by the same key, of equals those of one name; whether there was any. None is no key."""
    table: dict[object, dict[str, Sketch]] = {}
    for stage in left.values():
        if (key := rule(stage, dict(stage.inputs))) is not None:
            table.setdefault(key, {})[stage.name] = stage
    found = False
    for stage in new:
        if stage.name in matched or (once and found):
            continue
        known = all(parent in matched for parent in new_parents(stage))
        alike = table.get(rule(stage, _translated(stage, matched) if known else None))
        if alike:
            name = stage.name if stage.name in alike else next(iter(alike))
            del alike[name], left[name]
            matched[stage.name] = name
            found = True
    return found


# The whole.


def _facts(old: Outline, new: Outline, matched: Mapping[str, str]) -> Iterator[Moved]:
    now = {was: name for name, was in matched.items()}
    for name in old.facts:
        if name not in new.facts:
            continue
        was, is_ = old.facts[name], new.facts[name]
        if name == "ships":
            was = now.get(was, was)
        elif name == "baseline" and was:
            was = {**was, "stage": now.get(was["stage"], was["stage"])}
        yield from moved(was, is_, name)


def _gates(old: Outline, new: Outline, matched: Mapping[str, str]) -> Iterator[Moved]:
    now = {was: name for name, was in matched.items()}
    before = [(text, now.get(stage or "", stage), gate) for text, stage, gate in old.gates]
    after = list(new.gates)
    for known in list(before):
        same = next((entry for entry in after if entry[0] == known[0] and known[1] in (entry[1], None)), None)
        if same is not None:
            before.remove(known)
            after.remove(same)
    for text, stage, gate in before:
        metric = text.partition(" ")[0]
        other = next((entry for entry in after if entry[0].partition(" ")[0] == metric), None)
        if other is None:
            yield Moved(field=metric, kind="removed", old=_of(text, stage), note="gone")
            continue
        after.remove(other)
        elsewhere = stage != other[1]
        yield Moved(
            field=metric,
            old=_of(text, stage if elsewhere else None),
            new=_of(other[0], other[1] if elsewhere else None),
            note="looser" if _looser(gate, other[2]) else "",
        )
    for text, stage, _ in after:
        yield Moved(field=text.partition(" ")[0], kind="added", new=_of(text, stage))


def _of(text: str, stage: str | None) -> str:
    return f"{text} (of {stage})" if stage else text


def _looser(old: PlannedGate | None, new: PlannedGate | None) -> bool:
    """Whether more passes than before; False where that cannot be told from the gates alone."""
    if old is None or new is None or (old.operator, old.relative) != (new.operator, new.relative):
        return False
    return new.threshold < old.threshold if old.operator == ">=" else new.threshold > old.threshold
