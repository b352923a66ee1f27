"""A run's manifest held against the store that it was made with, where the reviewer has it: figures are then more than a text."""

import re
from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import Fault
from pipeline_dsl.compiler.review.findings import FigureElsewhere
from pipeline_dsl.compiler.review.subject import Subject
from pipeline_dsl.store.store import Store

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
_HELP = "review what the run wrote: figures are read from the store and never typed in"


def held_against(subject: Subject, store: Store) -> Iterator[Diagnostic]:
    """Whatever a stage says otherwise than its record and its artifact."""
    for name in subject.entries:
        action = subject.said(name, "action")
        if action is not None and isinstance(action.value, str) and _DIGEST(action.value):
            try:
                yield from _stage(subject, name, action.value, store)
            except Fault as fault:
                yield FigureElsewhere.finding(
                    f"the store does not bear out `{name}`: {fault.message}", subject.at(name), help=fault.help or _HELP
                )


def _stage(subject: Subject, name: str, action: str, store: Store) -> Iterator[Diagnostic]:
    record = store.record(action)
    if record is None:
        text = f"the store has no record of `{name}` ({short(action)})"
        yield FigureElsewhere.finding(text, subject.at(name, "action"), help="review with the store of the run")
        return
    facts = {"record": record.digest, "output_hash": record.output, "wall_clock_sec": record.wall_clock_sec}
    facts |= {} if record.cost_usd is None else {"cost_usd": round(record.cost_usd, 6)}
    for field, value in facts.items():
        said = subject.said(name, field)
        if said is not None and said.value != value:
            yield FigureElsewhere.finding(f"`{field}` of `{name}` is {said.text}, the store's record says {value}", said.key, help=_HELP)
    scores = {metric: round(score.value, 6) for metric, score in store.tree(record.output).scores.items()}
    metrics = subject.said(name, "metrics")
    for metric, said in (metrics.items if metrics is not None else {}).items():
        if said.value != scores.get(metric):
            measured = f"measured {scores[metric]:g}" if metric in scores else "measured no such thing"
            yield FigureElsewhere.finding(f"`{metric}` of `{name}` is {said.text}, the store has {measured}", said.span, help=_HELP)
