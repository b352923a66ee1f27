"""What changed against another manifest, usually that of the last release or the old side of a diff, and should not have."""

from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.base.units import dollars
from pipeline_dsl.compiler.passes.divergence import kl_budget
from pipeline_dsl.compiler.review.findings import RedFlag
from pipeline_dsl.compiler.review.subject import Subject
from pipeline_dsl.lang.gate import Baseline, Gate


def red_flags(subject: Subject, other: Subject) -> Iterator[Diagnostic]:
    """Results that nothing explains, gates that were dropped or ask for less, and budgets that allow more."""
    for name in subject.entries:
        if name in other.entries:
            yield from _results(subject, other, name)
    loosened = [*_loosened(subject, other)]
    yield from (finding for _, finding in loosened)
    yield from _raised(subject, other, {metric for metric, _ in loosened})


def _results(subject: Subject, other: Subject, name: str) -> Iterator[Diagnostic]:
    """Another result, cost or time of one recipe."""
    from pipeline_dsl.gates.unexplained import FACTOR  # with all that compares runs, which no other review needs

    before, now = other.said(name, "action"), subject.said(name, "action")
    same = before is not None and now is not None and before.value == now.value
    results = other.said(name, "output_hash"), subject.said(name, "output_hash")
    if same and results[0] and results[1] and results[0].value != results[1].value:
        text = f"`{name}` made something else of the same inputs by the same recipe"
        yield RedFlag.finding(
            text, results[1].key, related=[("before", results[0].key)], help="training may differ; data and tokenizers may not"
        )
    for field, what in (("cost_usd", "cost"), ("wall_clock_sec", "took")):
        old, new = other.number(name, field), subject.number(name, field)
        same_recipe = _same_recipe(subject, other, name)
        if same_recipe and old is not None and new is not None and min(old, new) > 1e-2 and max(old, new) >= FACTOR * min(old, new):
            text = f"`{name}` {what} {new:g} by a recipe that {what} {old:g} before"
            yield RedFlag.finding(
                text, subject.at(name, field), related=[("before", other.at(name, field))], help="find out why before it is approved"
            )


def _same_recipe(subject: Subject, other: Subject, name: str) -> bool:
    ours, theirs = subject.said(name, "recipe"), other.said(name, "recipe")
    return ours is not None and theirs is not None and ours.plain == theirs.plain


def _loosened(subject: Subject, other: Subject) -> Iterator[tuple[str, Diagnostic]]:
    """Gates that were there and are not, or ask for less, each with its metric."""
    if subject.declared.loaded is None:
        return  # its gates cannot be told from what is written
    ours, theirs = _levels(subject), _levels(other)
    for key, (before, span) in theirs.items():
        if key not in ours:
            text = f"the gate on `{key[0]}` was dropped"
            yield key[0], RedFlag.finding(text, subject.top("gates"), related=[("before", span)], help="say why, or put it back")
            continue
        gate, at = ours[key]
        now, level = gate.threshold, before.threshold
        if isinstance(now, Baseline) != isinstance(level, Baseline):
            text, help = f"the gate `{before}` has become `{gate}`, which asks for something else", "say why, or put it back"
            yield key[0], RedFlag.finding(text, at, related=[("before", span)], help=help)
            continue
        new, old = (value.delta if isinstance(value, Baseline) else value for value in (now, level))
        if (new < old) if key[1] == ">=" else (new > old):
            text = f"the gate on `{key[0]}` asks for {_asked(gate)}, before it was {_asked(before)}"
            yield key[0], RedFlag.finding(text, at, related=[("before", span)], help="say why it is looser")


def _asked(gate: Gate) -> str:
    return str(gate).partition(" ")[2] if isinstance(gate.threshold, Baseline) else f"{gate.operator} {gate.threshold:,.12g}"


def _levels(subject: Subject) -> dict[tuple[str, str], tuple[Gate, Span]]:
    gates = subject.declared.loaded.pipeline.gates if subject.declared.loaded else ()
    return {(gate.metric, gate.operator): (gate, gate.mark.span()) for gate in gates if gate.mark}


def _raised(subject: Subject, other: Subject, told: set[str]) -> Iterator[Diagnostic]:
    """Budgets that allow more than they did, but for those of which the gate says so already."""
    ours, theirs = (one.declared.loaded.pipeline.budget if one.declared.loaded else None for one in (subject, other))
    if ours is None or theirs is None:
        return
    for metric, what, before, now in (
        ("cost_total_usd", "budget", theirs.usd, ours.usd),
        ("kl_from_reference", "KL budget", theirs.kl, ours.kl),
    ):
        if before is None or metric in told or not isinstance(before, int | float):
            continue
        if now is None or (isinstance(now, int | float) and now > before):
            spelled = _nats if metric == "kl_from_reference" else dollars
            text = f"the {what} is {'gone' if now is None else spelled(now)}, before it was {spelled(before)}"
            at, was = subject.top("budget"), other.top("budget")
            yield RedFlag.finding(text, at, related=[("before", was)], help="say why, or put it back")
    for name, stage in subject.declared.stages.items() if "kl_from_reference" not in told else ():
        before = None if (old := other.stage(name)) is None else kl_budget(old)
        now = kl_budget(stage)
        if before is not None and now is not None and now > before:
            text = f"the KL budget of `{name}` is {now:g} nats, before it was {before:g} nats"
            at, was = (one.at(name, *_KL) if one.said(name, *_KL) else one.at(name) for one in (subject, other))
            yield RedFlag.finding(text, at, related=[("before", was)], help="say why it may move further")


_KL = ("recipe", "fields", "kl_budget")


def _nats(value: float) -> str:
    return f"{value:g} nats"
