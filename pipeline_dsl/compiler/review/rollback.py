"""The rollback plan of a manifest under review: for every stage of what ships, what its failure costs and what is then done."""

from collections.abc import Iterator
from typing import get_args

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.units import duration
from pipeline_dsl.compiler.passes.estimates import EXPENSIVE, tier as estimated_tier
from pipeline_dsl.compiler.review.findings import FieldUnknown, RollbackMissing, RollbackUnfit
from pipeline_dsl.compiler.review.subject import Subject
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.lang.artifacts import Checkpoint
from pipeline_dsl.lang.stage import Action, Tier, stage_type

_TIERS, _ACTIONS = get_args(Tier), get_args(Action)
_HELP = "write `rollback: {tier: expensive, action: fall-back}`: it goes back to the last good artifact"


def plans(subject: Subject) -> Iterator[Diagnostic]:
    """Stages without a plan, and plans that would not help."""
    missing: list[str] = []
    for name in subject.entries:
        said = _said(subject, name)
        if said is None:
            missing.append(name)
            continue
        tier, action = said.items.get("tier"), said.items.get("action")
        yield from _words(name, said, tier, action)
        yield from _fitting(subject, name, said, tier, action)
    if subject.ships is not None and missing:
        yield from _missing(subject, missing)


def _said(subject: Subject, name: str) -> Tree | None:
    """The plan of a stage, beside it or in the manifest's own `rollback`."""
    whole = subject.tree.items.get("rollback")
    return subject.said(name, "rollback") or (whole.items.get(name) if whole is not None else None)


def _words(name: str, said: Tree, tier: Tree | None, action: Tree | None) -> Iterator[Diagnostic]:
    if not isinstance(said.value, dict):
        yield FieldUnknown.finding(f"`rollback` of `{name}` is a mapping of tier and action", said.span, help=_HELP)
        return
    for what, tree, words in (("tier", tier, _TIERS), ("action", action, _ACTIONS)):
        if tree is None or tree.value is None:
            yield RollbackMissing.finding(
                f"`{name}` has a rollback plan without its {what}", said.key, help=f"it is one of {', '.join(words)}"
            )
        elif tree.value not in words:
            yield FieldUnknown.finding(
                f"`{name}` has the rollback {what} {tree.text or ''!r:.60}", tree.span, help=f"it is one of {', '.join(words)}"
            )
    for key, tree in said.items.items():
        if key not in ("tier", "action"):
            yield FieldUnknown.finding(f"a rollback plan has no {key!r:.60}", tree.key, help="it has tier and action")


def _fitting(subject: Subject, name: str, said: Tree, tier: Tree | None, action: Tree | None) -> Iterator[Diagnostic]:
    expensive = _expensive(subject, name)
    if tier is not None and tier.value == "cheap" and expensive:
        yield RollbackUnfit.finding(f"`{name}` is said to be cheap to run again, and takes {expensive}", tier.span, help=_HELP)
    elif action is not None and action.value == "re-run" and (expensive or (tier is not None and tier.value == "expensive")):
        text = f"`{name}` is expensive{f' ({expensive})' if expensive else ''}, and would only be run again"
        yield RollbackUnfit.finding(text, action.span, help=_HELP)


def _expensive(subject: Subject, name: str) -> str:
    """How long a stage takes, in words, if that is weeks; empty if it is not, or nobody can say."""
    stage, facts = subject.stage(name), subject.facts
    seconds = subject.number(name, "wall_clock_sec") or subject.number(name, "estimate", "seconds")
    estimate = facts.estimates.get(stage) if facts is not None and stage is not None else None
    if seconds is not None and seconds >= EXPENSIVE:
        return duration(seconds)
    if stage is not None and estimate is not None and estimated_tier(stage, estimate) == "expensive":
        return duration(estimate.seconds.point)
    return ""


def _missing(subject: Subject, names: list[str]) -> Iterator[Diagnostic]:
    """What has no plan: one finding for all, and one for each stage that could never just be run again."""
    help = "write `rollback: {tier: cheap, action: re-run}`, or let `pdsl plan TARGET --manifest FILE` write it"
    if len(names) == len(subject.entries):
        found = RollbackMissing.finding("no stage of this pipeline has a rollback plan", subject.tree.items["stages"].key, help=help)
        yield attrs.evolve(found, severity=Severity.WARNING) if subject.short else found
        names = [name for name in names if _expensive(subject, name)]
    elif subject.short and (cheap := [name for name in names if not _expensive(subject, name) and not _is_base(subject, name)]):
        few = f"{len(cheap)} stages have" if len(cheap) > 1 else "one stage has"
        found = RollbackMissing.finding(f"{few} no rollback plan: {', '.join(cheap)}", subject.tree.items["stages"].key, help=help)
        yield attrs.evolve(found, severity=Severity.WARNING)
        names = [name for name in names if name not in cheap]
    for name in names:
        took = _expensive(subject, name)
        text = f"`{name}` takes {took} and has no rollback plan" if took else f"`{name}` has no rollback plan"
        yield RollbackMissing.finding(text, subject.at(name), help=_HELP if took or _is_base(subject, name) else help)


def _is_base(subject: Subject, name: str) -> bool:
    """Whether a stage makes what all later models are made of."""
    stage = subject.stage(name)
    return stage is not None and stage_type(type(stage)).produces is Checkpoint
