"""The figures of a run in a manifest under review: whether they can be, and whether the run would pass by them.

They are no evidence, which only the store has: a review by them can refuse a run, and never let one out.
"""

import math
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.facts import Bound, Facts
from pipeline_dsl.compiler.passes.divergence import aligns, kl_budget
from pipeline_dsl.compiler.passes.gates import measured_model
from pipeline_dsl.compiler.review.findings import FigureImpossible, GateFailedOnRecord, KlSpent, SameBytes
from pipeline_dsl.compiler.review.subject import Subject
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.gates.metrics import RUN_METRICS
from pipeline_dsl.lang.artifacts import STAGE_KL
from pipeline_dsl.lang.gate import Baseline, Metric
from pipeline_dsl.lang.stage import is_stage

_REVIEW = "review what the run wrote"
_MOST = {"percent": 100.0, "fraction": 1.0}


def figures(subject: Subject) -> Iterator[Diagnostic]:
    """Figures that cannot be, gates that fail by them, budgets that they exceed, and data that is the same under two names."""
    yield from _possible(subject)
    facts = subject.facts
    if facts is None:
        return
    yield from _same_bytes(subject, facts)
    yield from _spent(subject, facts)
    if subject.short or subject.finished:
        for bound in facts.gates:
            yield from _passes(subject, facts, bound)


def _possible(subject: Subject) -> Iterator[Diagnostic]:
    metrics = subject.facts.metrics if subject.facts else {}
    top = subject.tree.items
    for field in ("cost_total_usd", "wall_clock_total_sec"):
        yield from _amount(top.get(field), f"`{field}`")
    for name in subject.entries:
        for field in ("cost_usd", "wall_clock_sec"):
            yield from _amount(subject.said(name, field), f"`{field}` of `{name}`")
        said = subject.said(name, "metrics")
        for metric, tree in (said.items if said is not None else {}).items():
            known = metrics.get(metric)
            if not _is_number(tree) or (known is not None and not _can_be(float(tree.value), known)):
                unit = f" {known.unit}" if known else ""
                yield FigureImpossible.finding(f"`{metric}` of `{name}` is {tree.text or ''!s:.40}{unit}", tree.span, help=_REVIEW)


def _amount(tree: Tree | None, what: str) -> Iterator[Diagnostic]:
    if tree is not None and tree.value is not None and not (_is_number(tree) and tree.value >= 0):
        help = f"{_REVIEW}; in a proposal write a number, such as 1200, or leave it out"
        yield FigureImpossible.finding(f"{what} is {tree.text or ''!s:.40}", tree.span, help=help)


def _is_number(tree: Tree) -> bool:
    value = tree.value
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _can_be(value: float, metric: Metric) -> bool:
    """Whether a metric can have a value; differences can be negative, and an estimated divergence a little."""
    if metric.name.endswith("_delta"):
        return abs(value) <= 100
    if metric.family == "divergence" or metric.unit.startswith("nats"):
        return value > -1.0
    return 0 <= value <= _MOST.get(metric.unit, math.inf)


def _value(subject: Subject, name: str, metric: str) -> tuple[float | None, Span]:
    tree = subject.said(name, "metrics", metric)
    return (float(tree.value), tree.span) if tree is not None and _is_number(tree) else (None, subject.at(name, "metrics"))


def _passes(subject: Subject, facts: Facts, bound: Bound) -> Iterator[Diagnostic]:
    gate, mark = bound.gate, bound.gate.mark
    at = mark.span() if mark else Span(subject.tree.span.file, 1)
    if gate.metric in RUN_METRICS:
        field = "cost_total_usd" if gate.metric == "cost_total_usd" else "wall_clock_total_sec"
        tree = subject.tree.items.get(field)
        value, where = (float(tree.value), tree.span) if tree is not None and _is_number(tree) else (None, at)
    elif bound.stages:
        value, where = _value(subject, facts.graph.names[bound.stages[0]], gate.metric)
    else:
        return  # nothing measures it, which the compiler has told
    level = gate.threshold
    if value is None and subject.short:
        return  # a short manifest may leave its figures out
    if value is None:
        yield GateFailedOnRecord.finding(
            f"`{gate.metric}` is gated and was not measured", at, related=[("here", where)], help="the run holds until it is"
        )
        return
    if isinstance(level, Baseline):
        other = facts.graph.pipeline.baseline
        before = _value(subject, facts.graph.names[other], gate.metric)[0] if is_stage(other) else None
        if before is None:
            return  # another run's manifest, which `pdsl gate` reads from the store
        level = before + level.delta
    if (value < level) if gate.operator == ">=" else (value > level):
        text = f"`{gate.metric}` is {value:g}, the gate asks for {gate.operator} {level:g}"
        help = "hold the run; a reviewer can except it by `pdsl override`"
        yield GateFailedOnRecord.finding(text, at, related=[("recorded here", where)], help=help)


def _spent(subject: Subject, facts: Facts) -> Iterator[Diagnostic]:
    for stage in facts.graph.order:
        limit = kl_budget(stage) if aligns(facts.graph, stage) else None
        if limit is None:
            continue
        name = facts.graph.names[stage]
        moved, at = _value(subject, name, STAGE_KL)
        if moved is not None and moved > limit:
            text = f"`{name}` moved {moved:g} nats from its reference, its KL budget is {limit:g}"
            yield KlSpent.finding(
                text, at, related=[("its budget", facts.graph.argument(stage, "kl_budget"))], help="train it again, closer to its reference"
            )


def _same_bytes(subject: Subject, facts: Facts) -> Iterator[Diagnostic]:
    """Data to measure on, and data that something learns from, which have one digest."""
    graph = facts.graph
    learnt = graph.ancestors(*(edge.producer for edge in facts.lineage.learning)) | {edge.producer for edge in facts.lineage.learning}
    held = {stage for stage in graph.order if stage in facts.evaluation}
    readers: dict[object, list[object]] = {}
    for edge in graph.edges:
        readers.setdefault(edge.producer, []).append(edge.consumer)
    for stage in graph.order:  # a source that only evaluation data is made of
        if stage not in held and stage in readers and all(reader in held for reader in readers[stage]):
            held.add(stage)
    kept = {digest: stage for stage in held if (digest := _digest(subject, graph.names[stage])) is not None}
    for stage in graph.order:
        digest = _digest(subject, graph.names[stage])
        other = kept.get(digest) if digest is not None else None
        if other is None or stage in held or stage not in learnt or measured_model(graph, other) is stage:
            continue
        text = f"`{graph.names[stage]}` is learnt from, and has the very bytes of `{graph.names[other]}`, which is measured on"
        yield SameBytes.finding(
            text, graph.span(stage), related=[("measured on", graph.span(other))], help="learn from other data, or measure on other data"
        )


def _digest(subject: Subject, name: str) -> str | None:
    """What an artifact is by its bytes: its result, or the digest that its source is pinned to."""
    made = subject.said(name, "output_hash")
    if made is not None:
        return made.text
    stage = subject.stage(name)
    pinned = getattr(stage, "digest", None)
    return pinned if isinstance(pinned, str) and pinned else None
