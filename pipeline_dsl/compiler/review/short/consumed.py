"""The KL budget that the stages of a short manifest say they have consumed."""

from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.review.findings import FigureImpossible, KlSpent
from pipeline_dsl.compiler.review.short.amounts import amount
from pipeline_dsl.compiler.review.short.brief import Brief

_HELP = "train it again, closer to its reference"


def consumed(brief: Brief, limit: float | None) -> Iterator[Diagnostic]:
    """Stages that moved further than they may, alone or together; `limit` is what all of them may."""
    moved: dict[str, float] = {}
    for name, stage in brief.stages.items():
        said = stage.items.get("kl_budget_consumed")
        if said is None or said.value is None:
            continue
        level, budget = amount(said.value), amount(stage.items["kl_budget"].value) if "kl_budget" in stage.items else None
        if level is None or level < -1.0:
            yield FigureImpossible.finding(f"`{said.text}` nats cannot have been consumed", said.span, help="write a number of nats")
            continue
        moved[name] = level
        if budget is not None and level > budget:
            text = f"`{name}` moved {level:g} nats from its reference, its KL budget is {budget:g}"
            yield KlSpent.finding(text, said.span, help=_HELP)
    if limit is not None and sum(moved.values()) > limit:
        at = brief.stages[list(moved)[-1]].items["kl_budget_consumed"]
        text = f"{' and '.join(f'`{name}`' for name in moved)} moved {sum(moved.values()):g} nats, the KL budget is {limit:g}"
        yield KlSpent.finding(text, at.span, help=_HELP)
