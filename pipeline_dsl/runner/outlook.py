"""What a run of a plan would do, stage by stage, and why: nothing is run to find out."""

from enum import Enum

import attrs

from pipeline_dsl.base.fault import Fault
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.code import code_digest
from pipeline_dsl.runner.history import Change, changes, latest_manifest
from pipeline_dsl.runner.resolve import Resolution, advance
from pipeline_dsl.runner.revive import class_of
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.manifest import StageEntry
from pipeline_dsl.store.store import Store


class Standing(Enum):
    """Where a stage stands, with the symbol that a plan shows."""

    CACHED = "cached"
    CHANGED = "changed"
    INPUT = "input"
    PENDING = "pending"

    @property
    def symbol(self) -> str:
        """One character, for the first column."""
        return {"cached": "=", "changed": "~", "input": ">", "pending": "?"}[self.value]


@attrs.frozen(kw_only=True)
class Outlook:
    """One stage of a plan: where it stands and, unless it is cached, why it would run."""

    stage: PlannedStage
    standing: Standing
    why: tuple[Change, ...] = ()
    waits_for: tuple[str, ...] = ()
    output: str | None = None
    code_changed: bool = False


def outlook(plan: Plan, store: Store) -> list[Outlook]:
    """Every stage of a plan, in its order.

    Raises: DigestMismatch if the store's record or artifact of a finished stage was damaged.
    """
    resolution = Resolution()
    before = _before(plan, store)
    return [_view(plan, stage, advance(resolution, stage, store) is not None, resolution, store, before) for stage in plan.stages]


def _view(plan: Plan, stage: PlannedStage, done: bool, resolution: Resolution, store: Store, before: dict[str, StageEntry]) -> Outlook:
    if done:
        record = resolution.records[stage.name]
        store.verify(record.output, read=False)
        return Outlook(stage=stage, standing=Standing.CACHED, output=record.output, code_changed=_code_changed(plan, stage, record.code))
    missing = tuple(parent for parent in dict.fromkeys(stage.parents) if parent not in resolution.records)
    why = tuple(changes(stage, before))
    if why and why[0].field is not None:
        return Outlook(stage=stage, standing=Standing.CHANGED, why=why, waits_for=missing)
    if missing:
        return Outlook(stage=stage, standing=Standing.PENDING, why=why, waits_for=missing)
    if why:
        return Outlook(stage=stage, standing=Standing.CHANGED, why=why)
    moved = tuple(
        parent for parent in dict.fromkeys(stage.parents) if parent in before and before[parent].output_hash != resolution.output(parent)
    )
    if moved:
        return Outlook(stage=stage, standing=Standing.INPUT, waits_for=moved)
    return Outlook(stage=stage, standing=Standing.CHANGED, why=(Change(None, text="its result is not in the store"),))


def _before(plan: Plan, store: Store) -> dict[str, StageEntry]:
    path = latest_manifest(store.layout.runs, plan.pipeline)
    if path is None:
        return {}
    try:
        return dict(manifests.read(path).stages)
    except Fault:  # an unreadable old manifest only costs the explanation
        return {}


def _code_changed(plan: Plan, stage: PlannedStage, recorded: str) -> bool:
    return code_digest(class_of(plan, stage)) != recorded
