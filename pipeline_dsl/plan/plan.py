"""A `Plan`: what the compiler accepted, as data that goes to a file and comes back the same.

Its digest covers what decides results (stages, gates, budget), and neither prices nor places nor where anything was written.
"""

import json
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


@attrs.frozen
class Interval:
    """A point estimate with the range that it is expected in."""

    low: float
    point: float
    high: float


@attrs.frozen(kw_only=True)
class Estimate:
    """What a stage is expected to take: FLOPs, seconds of wall clock, USD (None where the price is unknown)."""

    flops: float
    seconds: Interval
    usd: Interval | None
    assumptions: str
    unknown: str = ""


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
            return f"{self.metric} {self.operator} {self.threshold:g}"
        delta = f" {'+' if self.threshold > 0 else '-'} {abs(self.threshold):g}" if self.threshold else ""
        return f"{self.metric} {self.operator} baseline{delta}"


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
    local: Local = Local()
    """How the local runner runs it; no part of the digest."""
    launchers: Mapping[str, Any] = {}
    """The options of backends, by the backend's name; no part of the digest."""
    root: str = ""
    """The folder that the stages' modules are imported from; no part of the digest."""

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
        raise BadFile(f"{where} is not a plan: {error}", help="write one with `pdsl plan TARGET --out plan.json`") from error
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
        raise Usage(f"cannot read {path}: {error}") from error
