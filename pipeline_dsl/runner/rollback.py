"""What a failure makes worthless, what doing it again takes, and doing so."""

from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import DigestMismatch, Fault, TooDear
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.last_good import Good, last_good
from pipeline_dsl.runner.resolve import Resolution, advance
from pipeline_dsl.runner.run import Order, Outcome, Watcher, run
from pipeline_dsl.runner.spent import Spent, Sum, spent, total
from pipeline_dsl.runner.stage import locked
from pipeline_dsl.store.aside import Aside, put_back, set_aside
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


@attrs.frozen(kw_only=True)
class Applied:
    """What a rollback did: the name under which records were set aside (None if there were none), how the run ended, which stages
    ran and which did not have to, by their records."""

    aside: str | None
    outcome: Outcome
    ran: Mapping[str, Record]
    reused: Mapping[str, Record]


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
    resolution, damaged = _follow(plan, store)
    records, keys = dict(resolution.records), dict(resolution.keys)
    for stage in plan.stages:  # below a damaged record, the manifest alone knows what was run
        entry = manifest.stages.get(stage.name)
        if stage.name in keys or entry is None or entry.definition != stage.definition:
            continue
        record = _record(store, entry.action)
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


def invalidate(found: Rollback, store: Store, *, revised: Plan | None = None, dear: bool = False) -> Aside | None:
    """Set the rollback set's records aside, so that the same plan, or a `revised` one, makes them anew; None if there were none.

    Killed at any moment, the same call goes on. `dear` lets also those run again that are to fall back to their last good artifact.
    Raises: TooDear; DigestMismatch if an artifact that would be reused is damaged; AlreadyRunning. Nothing was changed then.
    """
    for name in found.cached:
        store.verify(found.records[name].output, read=False)
    for name, fault in found.damaged.items():
        if name not in found.invalid:
            raise DigestMismatch(f"`{name}` is damaged too: {fault}", help=f"roll back from it: `--failed {name}`")
    lost = {name: found.keys[name] for name in found.invalid if name in found.keys}
    if not dear:
        _refuse_dear(found, revised or found.plan, store, set(lost.values()))
    with _all_locked(store, lost):
        return set_aside(store, lost, plan=found.plan.digest, failed=found.failed.name)


def apply(found: Rollback, store: Store, watcher: Watcher, *, jobs: int = 0, revised: Plan | None = None, dear: bool = False) -> Applied:
    """Set the rollback set's records aside, and run the same plan, or a `revised` one: what is not in the set comes from the cache.

    Raises: what `invalidate` does.
    """
    plan = revised or found.plan
    aside = invalidate(found, store, revised=revised, dear=dear)
    before = {record.digest for record in _follow(plan, store)[0].records.values()}
    outcome = run(plan, store, watcher, Order(jobs=jobs))
    after = _follow(plan, store)[0].records
    return Applied(
        aside=aside.name if aside else None,
        outcome=outcome,
        ran={name: record for name, record in after.items() if record.digest not in before},
        reused={name: record for name, record in after.items() if record.digest in before},
    )


def undo(store: Store, aside: Aside) -> Aside | None:
    """Put back what a rollback set aside; what took its place is set aside itself, and returned.

    Killed at any moment, the same call goes on.
    Raises: AlreadyRunning.
    """
    with _all_locked(store, aside.keys):
        return put_back(store, aside)


@contextmanager
def _all_locked(store: Store, keys: Mapping[str, str]) -> Generator[None]:
    """Hold the locks of stages, so that none runs while its record moves."""
    with ExitStack() as locks:
        for key, name in sorted({key: name for name, key in keys.items()}.items()):
            locks.enter_context(locked(store, key, name, wait=False))
        yield


def _refuse_dear(found: Rollback, plan: Plan, store: Store, lost: Collection[str]) -> None:
    done = _follow(plan, store, lost)[0].records
    for stage in plan.stages:
        if stage.name in done or stage.on_failure != "fall-back":
            continue
        good = found.good.get(stage.name)
        changed = ", ".join(f"{change.field} {change.new!r} -> {change.old!r}" for change in good.changed if change.field) if good else ""
        way = f"declare it as it was then{f' ({changed})' if changed else ''}, and give `--revised PIPELINE`; or" if good else ""
        artifact = f"; its last good artifact is {short(good.output)}" if good else "; it has no good artifact"
        raise TooDear(
            f"`{stage.name}` would run again ({stage.tier}), its action is to fall back{artifact}",
            help=f"{way} run it all the same with `--run-expensive`".strip(),
        )


def _follow(plan: Plan, store: Store, without: Collection[str] = ()) -> tuple[Resolution, dict[str, str]]:
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
    known = [record for path in store.files("actions") if (record := _record(store, store.named(path))) is not None]
    return {record.definition: record for record in sorted(known, key=lambda record: record.started)}


def _alike(stage: PlannedStage, earlier: Mapping[str, Record]) -> Record | None:
    """What the stage took before, on other bytes but on as many of the same devices."""
    record = earlier.get(stage.definition)
    return record if record and (record.device, record.devices) == (stage.device, stage.devices) else None


def _record(store: Store, key: str) -> Record | None:
    try:
        return store.record(key)
    except Fault:  # changed since it was written: it proves nothing
        return None
