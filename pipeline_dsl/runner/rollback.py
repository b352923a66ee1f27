"""What a failure makes worthless, and what doing it again takes."""

from collections.abc import Collection, Mapping

import attrs

from pipeline_dsl.base.fault import Fault
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.last_good import Good, last_good
from pipeline_dsl.runner.spent import Spent, Sum, spent, total
from pipeline_dsl.runner.standing import intact, standing
from pipeline_dsl.store.manifest import Manifest
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store


@attrs.frozen(kw_only=True)
class Rollback:
    """What follows from a stage's failure. Stage names are in the order of the plan.

    `invalid` is the rollback set; `cached` are the other stages that are done, `pending` those that are not. `keys` and `records` are
    of what is done, or half-done, of all stages; `damaged` says what is wrong with what the store has of one. `good` has the last good
    artifact of each expensive stage and of each that falls back; None where there is none.
    """

    plan: Plan
    failed: PlannedStage
    invalid: tuple[str, ...]
    cached: tuple[str, ...]
    pending: tuple[str, ...]
    keys: Mapping[str, str]
    records: Mapping[str, Record]
    damaged: Mapping[str, str]
    spent: Mapping[str, Spent]
    good: Mapping[str, Good | None]

    @property
    def cost(self) -> Sum:
        """What running the rollback set again takes."""
        return total(self.spent[name] for name in self.invalid)

    @property
    def whole(self) -> Sum:
        """What running everything again would take."""
        return total(self.spent.values())

    @property
    def saved(self) -> Sum:
        """What need not be run again."""
        return total(self.spent[name] for name in self.cached)


def rollback_set(plan: Plan, failed: str) -> tuple[str, ...]:
    """The failed stage and every descendant, in the order of the plan.

    A stage of the very same definition is the same stage under another name: it shares its artifact, and so its failure.
    """
    definition = plan.stage(failed).definition
    found = plan.descendants({stage.name for stage in plan.stages if stage.definition == definition})
    return tuple(stage.name for stage in plan.stages if stage.name in found)


def rollback(plan: Plan, manifest: Manifest, store: Store, failed: str) -> Rollback:
    """What a stage's failure means; nothing is changed.

    Raises: Usage if there is no such stage.
    """
    resolution, damaged = standing(plan, store)
    records, keys = dict(resolution.records), dict(resolution.keys)
    for stage in plan.stages:  # below a damaged record, the manifest alone knows what was run
        entry = manifest.stages.get(stage.name)
        if stage.name in keys or entry is None or entry.definition != stage.definition:
            continue
        record = intact(store, entry.action)
        if record is not None and record.definition == stage.definition:
            keys[stage.name], records[stage.name] = entry.action, record
    invalid = rollback_set(plan, failed)
    lost = {keys[name] for name in invalid if name in keys}
    others = [stage.name for stage in plan.stages if stage.name not in invalid]
    earlier = _by_definition(store)
    dear = [stage for stage in plan.stages if stage.tier == "expensive" or stage.on_failure == "fall-back"]
    return Rollback(
        plan=plan,
        failed=plan.stage(failed),
        invalid=invalid,
        cached=tuple(name for name in others if name in resolution.records),
        pending=tuple(name for name in others if name not in resolution.records),
        keys={stage.name: keys[stage.name] for stage in plan.stages if stage.name in keys},
        records=records,
        damaged=damaged,
        spent={stage.name: spent(stage, records.get(stage.name) or _alike(stage, earlier)) for stage in plan.stages},
        good={stage.name: _kept(stage, records, invalid, store) or last_good(plan, stage, store, lost) for stage in dear},
    )


def _kept(stage: PlannedStage, records: Mapping[str, Record], invalid: Collection[str], store: Store) -> Good | None:
    """What this very run made, unless it failed with it or it is no longer whole."""
    record = records.get(stage.name)
    if record is None or stage.name in invalid:
        return None
    try:
        tree = store.verify(record.output, read=False)
    except Fault:  # then an older one is looked for
        return None
    metrics = {name: score.value for name, score in tree.scores.items()}
    return Good(output=record.output, record=record.digest, run="this run", started=record.started, metrics=metrics)


def _by_definition(store: Store) -> dict[str, Record]:
    """The newest record of each definition that was ever run."""
    known = [record for path in store.files("actions") if (record := intact(store, store.named(path))) is not None]
    return {record.definition: record for record in sorted(known, key=lambda record: record.started)}


def _alike(stage: PlannedStage, earlier: Mapping[str, Record]) -> Record | None:
    """What the stage took before, on other bytes but on as many of the same devices."""
    record = earlier.get(stage.definition)
    return record if record and (record.device, record.devices) == (stage.device, stage.devices) else None
