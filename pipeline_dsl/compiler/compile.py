"""From a pipeline file to a plan or to diagnostics: the list of passes, in order.

    load -> graph -> passes (facts) -> checks (diagnostics) -> Plan

A fault in the shape of the graph (a cycle, something that is no stage) stops before the passes that need a sound one; all
other faults are reported together.
"""

from functools import cache

import attrs

from pipeline_dsl.base.canonical import plain
from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.allowances import settle
from pipeline_dsl.compiler.check import AllowanceCheck, FactCheck, ShapeCheck, checks
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage, Graph, build
from pipeline_dsl.compiler.load import load
from pipeline_dsl.compiler.passes import contracts, definitions, divergence, estimates, evidence, gates, lineage, memory
from pipeline_dsl.lang.fields import Role, StageType
from pipeline_dsl.lang.gate import Baseline
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


def compile_target(target: str) -> Compiled:
    """Compile a pipeline file or module.

    Raises: Usage if there is no such thing.
    """
    loaded = load(target)
    if isinstance(loaded, Diagnostic):
        return Compiled((loaded,))
    graph = build(loaded)
    found = [diagnostic for check in checks(ShapeCheck) for diagnostic in check().run(graph)]
    if any(diagnostic.severity is Severity.ERROR for diagnostic in found):
        return Compiled(_sorted(_settled(found, graph, complete=False)))
    facts = derive(graph)
    found += [diagnostic for check in checks(FactCheck) for diagnostic in check().run(facts)]
    found = _settled(found, graph, complete=True)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in found):
        return Compiled(_sorted(found), None, graph)
    return Compiled(_sorted(found), _plan(facts), graph)


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


def _sorted(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(found, key=lambda diagnostic: diagnostic.order))


def _plan(facts: Facts) -> Plan:
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
        launchers={launcher.backend: definitions.named(launcher, graph.names) for launcher in pipeline.launchers},
        root=graph.root,
    )


def _planned(stage: AnyStage, facts: Facts) -> PlannedStage:
    graph = facts.graph
    described = graph.type(stage)
    estimated, place = facts.estimates[stage], facts.hardware[stage]
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
        tier=estimates.tier(stage, estimated),
        device=place.device.name,
        devices=place.devices,
        nodes=place.nodes,
        accelerated=place.device.accelerator,
        hourly_usd=place.hourly,
        cores=stage.cores(),
        kl_budget=divergence.kl_budget(stage) if stage.aligns else None,
        pin=stage.pin,
        execution={name: plain(getattr(stage, name)) for name in _own_execution(described)},
    )


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
