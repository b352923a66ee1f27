"""What a plan's budget has left, by what its finished stages really cost."""

import math
from collections.abc import Iterable

from pipeline_dsl.base.fault import OverBudget
from pipeline_dsl.base.units import dollars
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.store.record import Record


def least(stage: PlannedStage) -> float:
    """What a stage is sure to cost, USD."""
    return stage.estimate.usd.low if stage.estimate.usd else 0.0


def left(plan: Plan, done: Iterable[Record]) -> float:
    """What may still be spent, USD."""
    if plan.budget_usd is None:
        return math.inf
    return plan.budget_usd - sum(record.cost_usd or 0.0 for record in done)


def overdraft(plan: Plan, stage: PlannedStage, done: Iterable[Record]) -> OverBudget | None:
    """Why a stage may not start: it is sure to cost more than is left."""
    rest, limit = left(plan, done), plan.budget_usd
    if limit is None or least(stage) <= rest:
        return None
    return OverBudget(
        f"`{stage.name}` needs at least {dollars(least(stage))}; {dollars(limit - rest)} of {dollars(limit)} are spent",
        help="raise `Budget(usd=...)`, or make the stage smaller; finished stages are kept",
    )
