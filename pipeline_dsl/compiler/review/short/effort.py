"""What a stage of a short manifest must cost at least, by the arithmetic of its own figures."""

from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.flops import six_nd
from pipeline_dsl.base.units import Tokens, dollars, scaled
from pipeline_dsl.compiler.review.findings import BudgetSpent, FieldUnknown, FigureImpossible
from pipeline_dsl.compiler.review.short.amounts import amount
from pipeline_dsl.compiler.review.short.brief import Brief
from pipeline_dsl.compiler.review.tree import Tree

_FLOPS_A_SECOND = 989e12
"""An H100's peak in BF16 without sparsity, by its data sheet."""
_USUAL_SHARE, _USUAL_PRICE = 0.4, 2.5
"""What training usually reaches of it, and dollars an hour: for an estimate."""
_LEAST_PRICE = 0.5
"""Dollars an hour of such a GPU that nobody undercuts: for what cannot be."""


def amiss(brief: Brief) -> Iterator[Diagnostic]:
    """Figures that are none, costs that physics does not allow, and training that the budget cannot pay."""
    limit = brief.level("cost_total_usd")
    for name, stage in brief.stages.items():
        yield from _unreadable(name, stage)
        figures = [_figure(stage, *keys) for keys in (("active_params", "params"), ("tokens",))]
        if None in figures or brief.kinds.get(name) not in ("pretrain", "sft"):
            continue
        parameters, tokens = (figure or 0.0 for figure in figures)
        hours = six_nd(parameters, Tokens(int(tokens))) / _FLOPS_A_SECOND / 3600
        said = stage.items.get("cost_usd")
        cost = amount(said.value) if said is not None else None
        what = f"`{name}` trains {scaled(parameters)} parameters on {scaled(tokens)} tokens"
        if said is not None and cost is not None:
            if cost < hours * _LEAST_PRICE:
                text = f"{what}: {hours:,.0f} GPU-hours at an H100's full peak, which {dollars(cost)} does not pay"
                yield FigureImpossible.finding(text, said.span, help=f"expect about {dollars(_usual(hours))}, or correct its figures")
        elif limit is not None and _usual(hours) > limit:
            text = f"{what}: about {dollars(_usual(hours))} at 40% of an H100's peak and $2.50 an hour, the budget is {dollars(limit)}"
            yield BudgetSpent.finding(text, stage.key, help="make the run smaller, raise the budget, or say its `cost_usd`")


def _usual(hours: float) -> float:
    return hours / _USUAL_SHARE * _USUAL_PRICE


def _figure(stage: Tree, *keys: str) -> float | None:
    """A figure of a stage, or of its `config`."""
    for tree in (stage, stage.items.get("config")):
        for key in keys:
            if tree is not None and key in tree.items and (found := amount(tree.items[key].value)) is not None and 0 < found < 1e30:
                return found
    return None


def _unreadable(name: str, stage: Tree) -> Iterator[Diagnostic]:
    for key in ("params", "tokens", "active_params", "steps"):
        said = stage.items.get(key)
        level = amount(said.value) if said is not None else None
        if said is not None and level is not None and level < 0:
            yield FieldUnknown.finding(f"`{key}` of `{name}` is {said.text:.40}", said.span, help="it is never negative")
