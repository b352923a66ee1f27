"""Money and divergence in a manifest under review: what is spent against what may be."""

from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.base.units import dollars
from pipeline_dsl.compiler.passes.divergence import aligns
from pipeline_dsl.compiler.review.findings import BudgetSpent, KlBoundless, KlGateLoose, RedFlag, TotalsWrong
from pipeline_dsl.compiler.review.subject import Subject
from pipeline_dsl.lang.gate import Baseline

BOUNDLESS = 10_000.0
"""Nats a sequence that no aligned policy comes near: 4,096 tokens, each of them certain where the reference would draw at random
among the ten likeliest, are 9,400."""


def money(subject: Subject) -> Iterator[Diagnostic]:
    """Budgets that are not there or not held, totals that do not add up, and bounds that bound nothing."""
    yield from _totals(subject)
    yield from _budget(subject)
    yield from _divergence(subject)


def total(subject: Subject) -> float | None:
    """What all stages cost, or are expected to; None if one of them does not say."""
    costs = [_cost(subject, name) for name in subject.entries]
    return None if None in costs or not costs else sum(cost or 0.0 for cost in costs)


def _known(subject: Subject) -> float | None:
    """What is spent at least: by the stages that say so, or by the total where that is more."""
    costs = [cost for name in subject.entries if (cost := _cost(subject, name)) is not None]
    said = subject.tree.items.get("cost_total_usd")
    if said is not None and not isinstance(said.value, bool) and isinstance(said.value, int | float):
        costs = [max(sum(costs), float(said.value))]
    return sum(costs) if costs else None


def _cost(subject: Subject, name: str) -> float | None:
    cost = subject.number(name, "cost_usd")
    said = subject.number(name, "estimate", "usd") if cost is None else cost
    facts, stage = subject.facts, subject.stage(name)
    if (
        said is None
        and facts is not None
        and stage is not None
        and not subject.short
        and not subject.said(name, "output_hash")
        and (usd := facts.estimates[stage].usd)
    ):
        return usd.point
    return said


def _totals(subject: Subject) -> Iterator[Diagnostic]:
    top = subject.tree.items
    for field, part, digits in (("cost_total_usd", "cost_usd", 6), ("wall_clock_total_sec", "wall_clock_sec", 3)):
        said = top.get(field)
        if said is None or isinstance(said.value, bool) or not isinstance(said.value, int | float):
            continue
        parts = [subject.number(name, part) for name in subject.entries]
        if None in parts:
            continue
        added = sum(value or 0.0 for value in parts)
        if not abs(added - said.value) <= (len(parts) + 1) * 10.0**-digits + 1e-9 * abs(added):
            text = f"`{field}` is {said.value:g}, and the stages add up to {added:g}"
            yield TotalsWrong.finding(text, said.span, help="review the manifest that the run wrote; a total is never typed in")


def _budget(subject: Subject) -> Iterator[Diagnostic]:
    facts = subject.facts
    if facts is None:
        return
    limit, spent = facts.graph.pipeline.budget.usd, _known(subject)
    if isinstance(limit, int | float) and spent is not None and spent > limit and not _told(subject, "PDSL602"):
        dearest = max(subject.entries, key=lambda name: _cost(subject, name) or 0.0)
        text = f"the stages {'cost' if subject.ran else 'are expected to cost'} {dollars(spent)}, the budget is {dollars(limit)}"
        yield BudgetSpent.finding(
            text,
            subject.top("budget"),
            related=[("most of it here", subject.at(dearest))],
            help="make the run smaller, or raise the budget",
        )
    for name in subject.entries:
        said, stage = subject.number(name, "estimate", "usd"), subject.stage(name)
        usd = facts.estimates[stage].usd if stage is not None and name not in subject.declared.told else None
        if said is not None and usd is not None and usd.point > max(2 * said, said + 1):
            text = f"`{name}` is said to cost {dollars(said)}, and comes to {dollars(usd.low)} to {dollars(usd.high)}"
            yield RedFlag.finding(text, subject.at(name, "estimate"), help="write the proposal anew")


def _divergence(subject: Subject) -> Iterator[Diagnostic]:
    facts = subject.facts
    if facts is None or facts.ships is None or not any(aligns(facts.graph, stage) for stage in facts.graph.order):
        return
    limit = facts.graph.pipeline.budget.kl
    bounds = [(limit, "the pipeline's KL budget", subject.top("budget"))]
    bounds += [
        (getattr(stage, "kl_budget", None), f"the KL budget of `{facts.graph.names[stage]}`", facts.graph.argument(stage, "kl_budget"))
        for stage in facts.graph.order
        if aligns(facts.graph, stage)
    ]
    gates = [bound for bound in facts.gates if bound.metric and bound.metric.name == "kl_from_reference" and bound.gate.mark]
    for bound in gates:
        level = bound.gate.threshold
        at = bound.gate.mark.span() if bound.gate.mark else Span(subject.tree.span.file, 1)
        bounds.append((None if isinstance(level, Baseline) else level, "the gate on `kl_from_reference`", at))
        if isinstance(level, int | float) and isinstance(limit, int | float) and limit < level < BOUNDLESS:
            help = f"lower it to {limit:g}, or say why more is meant"
            yield KlGateLoose.finding(f"the gate lets {level:g} nats through, the pipeline's KL budget is {limit:g}", at, help=help)
    for value, what, at in bounds:
        if isinstance(value, int | float) and BOUNDLESS <= value < float("inf"):
            help = "25 nats a sequence are a common bound"
            yield KlBoundless.finding(f"{what} is {value:g} nats a sequence, which bounds nothing", at, help=help)


def _told(subject: Subject, code: str) -> bool:
    return subject.compiled is not None and any(finding.code == code for finding in subject.compiled.diagnostics)
