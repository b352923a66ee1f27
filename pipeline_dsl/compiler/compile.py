"""From a pipeline file to a plan or to diagnostics: the list of passes, in order.

    load -> graph -> passes (facts) -> checks (diagnostics) -> Plan

A fault in the shape of the graph (a cycle, something that is no stage) stops before the passes that need a sound one; all
other faults are reported together.
"""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from pipeline_dsl.base.canonical import plain
from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.allowances import settle
from pipeline_dsl.compiler.check import AllowanceCheck, Check, FactCheck, ShapeCheck, checks
from pipeline_dsl.compiler.described import declares
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage, Graph, build
from pipeline_dsl.compiler.load import Loaded, load
from pipeline_dsl.compiler.passes import contracts, definitions, divergence, estimates, evidence, gates, lineage, memory
from pipeline_dsl.lang.device import DEVICES
from pipeline_dsl.lang.fields import Role, StageType
from pipeline_dsl.lang.gate import Baseline
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.pipeline import Release
from pipeline_dsl.lang.stage import Stage, is_stage
from pipeline_dsl.plan.plan import Plan, PlannedBaseline, PlannedGate, PlannedStage


@attrs.frozen(eq=False)
class Compiled:
    """What came of a target: findings sorted by place, and the plan unless one of them is an error.

    `graph` still knows where every field was written; a plan does not. Without a plan it is there if its shape is sound.
    """

    diagnostics: tuple[Diagnostic, ...]
    plan: Plan | None = None
    graph: Graph | None = None
    facts: Facts | None = None


def compile_target(target: str) -> Compiled:
    """Compile a pipeline file or module.

    Raises: Usage if there is no such thing.
    """
    loaded = load(target)
    return Compiled((loaded,)) if isinstance(loaded, Diagnostic) else compile_loaded(loaded)


def compile_loaded(loaded: Loaded, *, without: Collection[type[Check]] = (), allowing: bool = True) -> Compiled:
    """Compile declarations, wherever they come from, but for some checks; `allowing` reads the comments that allow warnings."""
    graph = build(loaded)
    settled = _settled if allowing else _as_found
    found = [diagnostic for check in checks(ShapeCheck) if check not in without for diagnostic in check().run(graph)]
    if any(diagnostic.severity is Severity.ERROR for diagnostic in found):
        return Compiled(_sorted(settled(found, graph, complete=False)))
    facts = derive(graph)
    found += [diagnostic for check in checks(FactCheck) if check not in without for diagnostic in check().run(facts)]
    found = settled(found, graph, complete=True)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in found):
        return Compiled(_sorted(found), None, graph, facts)
    return Compiled(_sorted(found), planned(facts), graph, facts)


def derive(graph: Graph) -> Facts:
    """Everything that the checks judge, one line a pass."""
    fields, unspelled = definitions.spelled_fields(graph)
    hardware = estimates.hardware(graph)
    sizes, works = estimates.works(graph)
    placements = memory.placements(graph, sizes)
    labels = lineage.follow(graph)
    known = gates.measured(graph)
    bound = gates.bind(graph, known)
    return Facts(
        graph=graph,
        fields=fields,
        unspelled=unspelled,
        definitions={} if unspelled else definitions.definitions(graph, fields),
        hardware=hardware,
        sizes=sizes,
        placements=placements,
        memory=memory.footprints(placements, hardware),
        works=works,
        estimates={stage: estimates.estimate(works[stage], hardware[stage]) for stage in graph.order},
        evaluation=labels.carriers("evaluation"),
        lineage=labels,
        descent=contracts.descents(graph),
        divergence=divergence.accumulated(graph),
        ships=gates.shipped(graph),
        gates=bound,
        examples=evidence.counted(graph, sizes, bound),
        metrics=gates.METRICS | {name: metric for name, (metric, _) in known.items()},
    )


def _settled(found: list[Diagnostic], graph: Graph, *, complete: bool) -> list[Diagnostic]:
    """Findings without the warnings that are allowed where they are declared, and with what is wrong with the allowances."""
    settled = settle(found, graph.file, complete=complete)
    return [*settled.left, *(diagnostic for check in checks(AllowanceCheck) for diagnostic in check().run(settled))]


def _as_found(found: list[Diagnostic], graph: Graph, *, complete: bool) -> list[Diagnostic]:
    return found


def _sorted(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(found, key=lambda diagnostic: diagnostic.order))


def planned(facts: Facts) -> Plan:
    """The plan of what was derived, whether or not the checks accept it; every gate's metric is known."""
    graph, pipeline = facts.graph, facts.graph.pipeline
    return Plan(
        pipeline=pipeline.name,
        pipeline_version=pipeline.version,
        seed=pipeline.seed,
        stages=tuple(_planned(stage, facts) for stage in graph.order),
        gates=tuple(_planned_gate(facts, index) for index in range(len(facts.gates))),
        budget_usd=None if pipeline.budget.usd is None else float(pipeline.budget.usd),
        budget_kl=None if pipeline.budget.kl is None else float(pipeline.budget.kl),
        baseline=_baseline(facts),
        ships=graph.names[facts.ships] if facts.ships else None,
        local=pipeline.local,
        use=pipeline.use,
        launchers={launcher.backend: definitions.named(launcher, graph.names) for launcher in pipeline.launchers},
        root=graph.root,
        module=_module(graph),
    )


def _module(graph: Graph) -> str:
    """The name by which the pipeline's file is imported from its root; none of a file that is no module."""
    path = Path(graph.file).resolve()
    if path.suffix != ".py" or not graph.root or not path.is_relative_to(graph.root):
        return ""
    parts = path.relative_to(graph.root).with_suffix("").parts
    return ".".join(parts[:-1] if path.stem == "__init__" else parts)


def _planned(stage: AnyStage, facts: Facts) -> PlannedStage:
    graph = facts.graph
    described = graph.type(stage)
    estimated, place = facts.estimates[stage], facts.hardware[stage]
    tier = estimates.tier(stage, estimated)
    return PlannedStage(
        name=graph.names[stage],
        kind=described.kind,
        type=described.path,
        version=type(stage).version,
        produces=described.produces.__name__,
        fields=facts.fields[stage],
        inputs={field.name: definitions.shaped(getattr(stage, field.name), graph.names) for field in described.inputs},
        definition=facts.definitions[stage],
        estimate=estimated,
        tier=tier,
        on_failure=estimates.on_failure(stage, tier),
        device=place.device.name,
        devices=place.devices,
        nodes=place.nodes,
        accelerated=place.device.accelerator,
        hourly_usd=place.hourly,
        cores=stage.cores(),
        kl_budget=divergence.kl_budget(stage) if stage.aligns else None,
        pin=stage.pin,
        place=placed(place),
        declares=declares(stage, facts.sizes[stage], facts.placements.get(stage), graph.names),
        execution={name: plain(getattr(stage, name)) for name in _own_execution(described)},
    )


@cache
def placed(place: Hardware) -> Mapping[str, Any]:
    """A place as data: a device of the catalogue by its name."""
    data = {name: value for name, value in plain(place).items() if value is not None and name != "$type"}
    known = DEVICES.get(place.device.name) == place.device
    device = place.device.name if known else {name: value for name, value in data["device"].items() if name != "$type"}
    return {**data, "device": device}


@cache
def _own_execution(described: StageType) -> tuple[str, ...]:
    """The fields for execution that are the stage type's own; what every stage has is spelled out in the plan itself."""
    return tuple(field.name for field in described.fields if field.role is Role.EXECUTION and field.name not in _EVERY_STAGE)


_EVERY_STAGE = frozenset(field.name for field in attrs.fields(Stage))


def _planned_gate(facts: Facts, index: int) -> PlannedGate:
    bound = facts.gates[index]
    if bound.metric is None:
        raise AssertionError("a gate on an unknown metric passed the checks")
    threshold = bound.gate.threshold
    relative = isinstance(threshold, Baseline)
    return PlannedGate(
        metric=bound.metric.name,
        operator=bound.gate.operator,
        threshold=float(threshold.delta if isinstance(threshold, Baseline) else threshold),
        relative=relative,
        unit=bound.metric.unit,
        better=bound.metric.better,
        family=bound.metric.family,
        stage=facts.graph.names[bound.stages[0]] if bound.stages else None,
    )


def _baseline(facts: Facts) -> PlannedBaseline | None:
    given = facts.graph.pipeline.baseline
    if isinstance(given, Release):
        return PlannedBaseline(manifest=given.manifest)
    if is_stage(given):
        return PlannedBaseline(stage=facts.graph.names[given])
    return None
