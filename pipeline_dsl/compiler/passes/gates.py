"""Pass: find out what ships, and tie every gate to the stage that measures its metric."""

from pipeline_dsl.compiler.facts import Bound
from pipeline_dsl.compiler.graph import AnyStage, Graph
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.lang.artifacts import ServerSpec
from pipeline_dsl.lang.gate import Gate, Metric
from pipeline_dsl.lang.stage import is_stage


def shipped(graph: Graph) -> AnyStage | None:
    """The stage whose artifact is released: what `ships` names, or the last server; None for research."""
    named = graph.pipeline.ships
    if is_stage(named):
        return named
    servers = [stage for stage in graph.order if issubclass(graph.type(stage).produces, ServerSpec)]
    return servers[-1] if servers else None


def measured(graph: Graph) -> dict[str, tuple[Metric, tuple[AnyStage, ...]]]:
    """Every metric that a stage measures, with the stages that do."""
    found: dict[str, tuple[Metric, list[AnyStage]]] = {}
    for stage in graph.order:
        for item in stage.measures():
            name = item if isinstance(item, str) else item.name
            given = METRICS.get(name) if isinstance(item, str) else item
            if given is None:
                continue
            before = found[name][1] if name in found else []
            before.append(stage)
            found[name] = (given, before)
    return {name: (metric, tuple(stages)) for name, (metric, stages) in found.items()}


def bind(graph: Graph, known: dict[str, tuple[Metric, tuple[AnyStage, ...]]]) -> tuple[Bound, ...]:
    """Each gate with its metric and with the stages that measure it for what ships.

    The baseline's own evaluation never counts; if several stages are left, the last ones along the graph do: a stage that
    another candidate descends from measured an earlier model.
    """
    bound: list[Bound] = []
    for gate in graph.pipeline.gates:
        if not isinstance(gate, Gate):  # pyright: ignore[reportUnnecessaryIsInstance]
            continue
        entry = known.get(gate.metric)
        metric = entry[0] if entry else METRICS.get(gate.metric)
        stages = entry[1] if entry else ()
        if is_stage(gate.of):
            stages = tuple(stage for stage in stages if stage is gate.of)
        else:
            stages = _latest(graph, tuple(stage for stage in stages if stage is not graph.pipeline.baseline))
        bound.append(Bound(gate, metric, stages))
    return tuple(bound)


def _latest(graph: Graph, stages: tuple[AnyStage, ...]) -> tuple[AnyStage, ...]:
    if len(stages) < 2:
        return stages
    subjects = {stage: measured_model(graph, stage) for stage in stages}
    earlier = graph.ancestors(*subjects.values())
    return tuple(stage for stage in stages if subjects[stage] not in earlier)


def measured_model(graph: Graph, stage: AnyStage) -> AnyStage:
    """The model that a stage's metrics are about: what an evaluation reads as `model`, otherwise what the stage makes."""
    model = getattr(stage, "model", None)
    return model if is_stage(model) else stage
