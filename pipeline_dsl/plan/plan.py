"""A `Plan`: what the compiler accepted, as data that goes to a file and comes back the same.

Its digest covers what decides results (stages, gates, budget), and neither prices nor places nor where anything was written.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import attrs

from pipeline_dsl.base.convert import structure, unstructure
from pipeline_dsl.base.digest import Digest, digest_plain
from pipeline_dsl.base.fault import BadFile, DigestMismatch, Usage
from pipeline_dsl.lang.local import Local

SCHEMA = 1
"""Version of the plan's file format."""


ACTIONS = {"cheap": "re-run", "medium": "retrain", "expensive": "fall-back"}
"""What is done about the failure of a stage of each tier, unless it says otherwise."""


@attrs.frozen
class Interval:
    """A point estimate with the range that it is expected in."""

    low: float
    point: float
    high: float


@attrs.frozen(kw_only=True)
class Estimate:
    """What a stage is expected to take: FLOPs, seconds of wall clock, USD (None where the price is unknown).

    Intervals hold 80%.
    """

    flops: float
    """Model FLOPs, counted from the shapes of matrices."""
    seconds: Interval
    usd: Interval | None
    assumptions: str
    unknown: str = ""
    six_nd: float | None = None
    """The same by the rule of thumb, 6 x parameters x tokens and its like; None where it says nothing."""
    recomputed: float = 0.0
    """Hardware FLOPs on top, of activations that are made again."""
    read: float = 0.0
    """Bytes read from the devices' memory while tokens are written one by one."""
    mfu: Interval | None = None
    """Share of the peak that model FLOPs reach; None where there is no such arithmetic."""
    million_usd: Interval | None = None
    """What a server's million written tokens cost, prompts included; None elsewhere, or where the price is unknown."""


@attrs.frozen(kw_only=True)
class PlannedStage:
    """One stage of a plan.

    `fields` are its identity in canonical JSON; `inputs` maps each input field to a stage's name, a list or a mapping of
    names, or None. `definition` names all of that, and its inputs' definitions, in one digest.
    """

    name: str
    kind: str
    type: str
    version: int
    produces: str
    fields: Mapping[str, Any]
    inputs: Mapping[str, Any]
    definition: str
    estimate: Estimate
    tier: str
    device: str
    devices: int
    """On all nodes together."""
    hourly_usd: float | None
    nodes: int = 1
    accelerated: bool = False
    """Whether the devices are accelerators; CPU cores otherwise."""
    cores: int = 1
    kl_budget: float | None = None
    pin: str | None = None
    execution: Mapping[str, Any] = {}
    """The stage type's own fields that only say where and how fast it runs: part of no digest."""
    on_failure: str = attrs.field(default=attrs.Factory(lambda self: ACTIONS.get(self.tier, "re-run"), takes_self=True))
    """What a rollback does about it: `re-run`, `retrain` or `fall-back`."""
    place: Mapping[str, Any] = {}
    """Where it runs, as a manifest says it: part of no digest."""
    declares: Mapping[str, Any] = {}
    """What its type told the compiler, where others may not have the type: part of no digest."""

    @property
    def parents(self) -> Iterator[str]:
        """The names of the stages that it reads, in the order of its fields."""
        return (name for shape in self.inputs.values() for name in leaves(shape))


@attrs.frozen(kw_only=True)
class PlannedGate:
    """One gate: `threshold` is a number, or what is added to the baseline when `relative`."""

    metric: str
    operator: Literal[">=", "<="]
    threshold: float
    relative: bool
    unit: str
    better: str
    family: str
    stage: str | None
    """The stage that measures it; None for what the run itself measures, such as its cost."""

    def __str__(self) -> str:
        if not self.relative:
            return f"{self.metric} {self.operator} {_exact(self.threshold)}"
        delta = f" {'+' if self.threshold > 0 else '-'} {_exact(abs(self.threshold))}" if self.threshold else ""
        return f"{self.metric} {self.operator} baseline{delta}"


def _exact(value: float) -> str:
    """A number as short as can be without being another one."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


@attrs.frozen(kw_only=True)
class PlannedBaseline:
    """Where `baseline` is read: a stage of the run, or the manifest of a release."""

    stage: str | None = None
    manifest: str | None = None


@attrs.frozen(kw_only=True, slots=False)
class Plan:
    """An accepted pipeline. `stages` are in an order in which they can run."""

    schema: int = SCHEMA
    pipeline: str
    pipeline_version: str
    seed: int
    stages: tuple[PlannedStage, ...]
    gates: tuple[PlannedGate, ...]
    budget_usd: float | None
    budget_kl: float | None
    baseline: PlannedBaseline | None
    ships: str | None
    """The stage whose artifact is released; None for research."""
    use: str | None = None
    """What is served is for, `commercial` or `research`; no part of the digest."""
    local: Local = Local()
    """How the local runner runs it; no part of the digest."""
    launchers: Mapping[str, Any] = {}
    """The options of backends, by the backend's name; no part of the digest."""
    root: str = ""
    """The folder that the stages' modules are imported from; no part of the digest."""
    module: str = ""
    """The module that declares it, imported from `root`; no part of the digest."""

    @cached_property
    def digest(self) -> Digest:
        """What this plan is: the same for every plan that would give the same run."""
        stages = {stage.name: stage.definition for stage in self.stages}
        gates = [unstructure(gate) for gate in self.gates]
        return digest_plain(
            {
                "schema": self.schema,
                "pipeline": self.pipeline,
                "pipeline_version": self.pipeline_version,
                "seed": self.seed,
                "stages": stages,
                "gates": gates,
                "budget_usd": self.budget_usd,
                "budget_kl": self.budget_kl,
                "baseline": unstructure(self.baseline),
                "ships": self.ships,
            }
        )

    @cached_property
    def _by_name(self) -> dict[str, PlannedStage]:
        return {stage.name: stage for stage in self.stages}

    def stage(self, name: str) -> PlannedStage:
        """The stage called `name`.

        Raises: Usage, with the names that there are.
        """
        found = self._by_name.get(name)
        if found is None:
            raise Usage(f"there is no stage `{name}` in {self.pipeline}", help="its stages: " + ", ".join(self._by_name))
        return found

    def find(self, text: str) -> PlannedStage:
        """The stage that a person means: by its name, or by the number in front of it, `09` or `9` for `09_align`.

        Raises: Usage, with the names that there are.
        """
        if text in self._by_name or not text.isdecimal():
            return self.stage(text)
        numbered = [name for name in self._by_name if (head := name.partition("_")[0]).isdecimal() and int(head) == int(text)]
        if len(numbered) > 1:
            raise Usage(f"`{text}` is more than one stage of {self.pipeline}", help="write one of: " + ", ".join(numbered))
        return self.stage(numbered[0] if numbered else text)

    def descendants(self, names: set[str]) -> set[str]:
        """`names` and every stage that depends on one of them."""
        found = set(names)
        for stage in self.stages:
            if not found.isdisjoint(stage.parents):
                found.add(stage.name)
        return found

    def ancestors(self, names: set[str]) -> set[str]:
        """`names` and every stage that one of them depends on."""
        found = set(names)
        for stage in reversed(self.stages):
            if stage.name in found:
                found.update(stage.parents)
        return found


def portable(plan: Plan) -> Plan:
    """The plan without the folder, the clusters and the settings of the machine that compiled it."""
    return attrs.evolve(plan, root="", launchers={})


def bare(name: str) -> str:
    """A stage's name without the number that its place gave it: `align` for `09_align`."""
    return re.sub(r"^\d+_", "", name)


def leaves(shape: Any) -> Iterator[Any]:
    """The single entries of an input's shape: one value, a list, a mapping, or nothing."""
    if isinstance(shape, Mapping):
        yield from cast("Mapping[str, Any]", shape).values()
    elif isinstance(shape, list | tuple):
        yield from cast("list[Any]", shape)
    elif shape is not None:
        yield shape


def reshape(shape: Any, values: Mapping[str, Any]) -> Any:
    """An input's shape with each stage name replaced by its value."""
    if isinstance(shape, Mapping):
        return {key: values[name] for key, name in cast("Mapping[str, str]", shape).items()}
    if isinstance(shape, list | tuple):
        return [values[name] for name in cast("list[str]", shape)]
    return None if shape is None else values[shape]


def definition(type: str, version: int, fields: Mapping[str, Any], inputs: Mapping[str, Any]) -> Digest:
    """What a stage is, before anything ran; `inputs` in their shapes, with the inputs' own definitions.

    With content digests in place of definitions the same function gives the action key, by which results are found.
    """
    return digest_plain({"type": type, "version": version, "fields": fields, "inputs": inputs})


def dump(plan: Plan) -> str:
    """The plan as the text of its file, which names its own digest and that of its every word."""
    body = unstructure(plan)
    return _spell({"digest": plan.digest, "content": digest_plain(body), "plan": body})


def respell(text: str) -> str:
    """The text of a plan's file as `dump` would have written the same data: equal, unless somebody touched it."""
    return _spell(json.loads(text))


def _spell(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse(text: str, *, where: str) -> Plan:
    """The plan in a file's text, every digest in it computed again.

    Raises: BadFile if it is no plan; DigestMismatch if it was changed since it was written.
    """
    try:
        data = json.loads(text)
        claimed, content, body = data["digest"], data["content"], data["plan"]
        schema, found = body["schema"], digest_plain(body)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = error if isinstance(error, ValueError) else "it does not have the parts of one, or is nested too deep"
        raise BadFile(f"{where} is not a plan: {reason}", help="write one with `pdsl plan TARGET --out plan.json`") from error
    if schema != SCHEMA:
        raise BadFile(f"{where} is a plan of format {schema!r:.20}, this pdsl reads format {SCHEMA}")
    plan = structure(body, Plan, what=where)
    known: dict[str, str] = {}
    for stage in plan.stages:
        if stage.name in known:
            raise BadFile(f"{where}: two stages are called `{stage.name}`")
        if any(not isinstance(parent, str) or parent not in known for parent in stage.parents):
            raise BadFile(f"{where}: `{stage.name}` reads a stage that does not come before it")
        inputs = {field: reshape(shape, known) for field, shape in stage.inputs.items()}
        known[stage.name] = definition(stage.type, stage.version, stage.fields, inputs)
        if known[stage.name] != stage.definition:
            raise DigestMismatch(f"{where}: the definition of `{stage.name}` was changed", help="compile the plan again")
    if found != content:
        raise DigestMismatch(f"{where} was changed since it was written", help="compile the plan again")
    if plan.digest != claimed:
        raise DigestMismatch(f"{where} says it is {claimed}, it is {plan.digest}", help="compile the plan again")
    return plan


def read(path: Path) -> Plan:
    """The plan in a file.

    Raises: Usage if there is none; BadFile; DigestMismatch.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Usage(f"cannot read {path}: {reason}") from error
