"""Setting a rollback set aside, running it again, and putting it back."""

from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager

import attrs

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import DigestMismatch, TooDear
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.rollback import Rollback
from pipeline_dsl.runner.run import Order, Outcome, Watcher, run
from pipeline_dsl.runner.stage import locked
from pipeline_dsl.runner.standing import standing
from pipeline_dsl.store.aside import Aside, put_back, set_aside
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store


@attrs.frozen(kw_only=True)
class Applied:
    """What a rollback did: the name under which records were set aside (None if there were none), how the run ended, which stages
    ran and which did not have to, by their records."""

    aside: str | None
    outcome: Outcome
    ran: Mapping[str, Record]
    reused: Mapping[str, Record]


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
    before = {record.digest for record in standing(plan, store)[0].records.values()}
    outcome = run(plan, store, watcher, Order(jobs=jobs))
    after = standing(plan, store)[0].records
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
    done = standing(plan, store, lost)[0].records
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
