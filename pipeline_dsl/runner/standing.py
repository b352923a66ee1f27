"""Which stages of a plan are done, where records may be damaged."""

from collections.abc import Collection

from pipeline_dsl.base.fault import DigestMismatch, Fault
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.resolve import Resolution, advance
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store


def standing(plan: Plan, store: Store, without: Collection[str] = ()) -> tuple[Resolution, dict[str, str]]:
    """Which stages are done, as if the actions in `without` were not; and what is wrong with the records that are damaged."""
    resolution, damaged = Resolution(), dict[str, str]()
    for stage in plan.stages:
        try:
            advance(resolution, stage, store)
        except DigestMismatch as fault:
            resolution.records.pop(stage.name, None)
            damaged[stage.name] = fault.message
        if resolution.keys.get(stage.name) in without:
            resolution.records.pop(stage.name, None)
    return resolution, damaged


def intact(store: Store, key: str) -> Record | None:
    """The record of an action; None if there is none that is whole."""
    try:
        return store.record(key)
    except Fault:  # changed since it was written: it proves nothing
        return None
