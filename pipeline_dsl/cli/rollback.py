"""`pdsl rollback`: what a failure costs, what need not be done again, and doing it."""

import json as codec
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.base.units import dollars, duration
from pipeline_dsl.cli.bill import aligned, spread
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, find_manifest, open_store, plan_of
from pipeline_dsl.cli.watch import watcher
from pipeline_dsl.plan.plan import Interval, Plan
from pipeline_dsl.runner.gathering import gather
from pipeline_dsl.runner.last_good import Good
from pipeline_dsl.runner.rollback import Applied, Rollback, apply as do, invalidate, rollback as compute, undo as put_back
from pipeline_dsl.runner.spent import Spent, Sum
from pipeline_dsl.store import aside as asides, manifest as manifests
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def rollback(
    manifest: Annotated[Path | None, typer.Argument(help="The run's manifest.yaml; without one, the run written last.")] = None,
    failed: Annotated[
        str | None, typer.Option("--failed", metavar="STAGE", help="What failed: a stage's name or number; else what the manifest says.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it: set the records of the rollback set aside, and run.")] = False,
    revised: Annotated[
        str | None, typer.Option("--revised", metavar="TARGET", help="With --apply: run this pipeline, with its inputs revised.")
    ] = None,
    run_expensive: Annotated[
        bool, typer.Option("--run-expensive", help="With --apply: run also what is declared to fall back to its last good artifact.")
    ] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="With --apply: leave running to `pdsl submit` or `pdsl run`.")] = False,
    undo: Annotated[str | None, typer.Option("--undo", metavar="NAME", help="Put back what a rollback set aside under that name.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Cores to keep busy; 0 is all of them.")] = 0,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show what a stage's failure makes worthless, what doing it again costs, and what is kept; with --apply, do it.

    The rollback set is the failed stage and every descendant. Each stage has a tier (cheap, medium, expensive) and an action: run it
    again, retrain it with revised inputs, or fall back to its last good artifact. Its cost decides, unless the stage declares `tier=`
    or `on_failure=`. Costs are what was really spent, where a record says so, else the plan's estimates.

    Nothing is deleted: records are moved to the store's folder `aside`, artifacts stay, and --undo moves records back. Exits 3, with
    nothing changed, if a stage would run again that is to fall back; 5 if a stage failed again.

    \b
    Examples:
      pdsl rollback --failed 09
      pdsl rollback .pdsl/runs/tiny-0a1b2c3d4e5f/manifest.yaml --failed 09 --apply
      pdsl rollback --undo 20261121T104500-09_align
    """
    opened = open_store(store)
    if undo is not None:
        _undo(undo, opened, json)
        return
    if (revised is not None or run_expensive or no_run) and not apply:
        raise Usage("`--revised`, `--run-expensive` and `--no-run` say how to apply it", help="give `--apply` too")
    path = find_manifest(manifest, store)
    said = manifests.read(path)
    stage = failed or said.failed_stage
    if stage is None:
        raise Usage(f"{path} names no failed stage", help="say which: `--failed 09`, a stage's name or number")
    plan = opened.plan(said.plan)
    found = compute(plan, said, opened, plan.find(stage).name)
    if not apply:
        print(codec.dumps(_data(found), indent=1)) if json else sys.stdout.write(_text(found, path))
        return
    target = plan_of(revised)[0] if revised is not None else None
    if no_run:
        _only_invalidate(found, opened, target, run_expensive, json)
    else:
        _apply(found, opened, target, jobs, run_expensive, json)


def _only_invalidate(found: Rollback, store: Store, target: Plan | None, dear: bool, json: bool) -> None:
    aside = invalidate(found, store, revised=target, dear=dear)
    name = aside.name if aside else None
    path, _ = gather(found.plan, store)  # what it was written from is no longer in use
    if json:
        print(codec.dumps({**_data(found), "applied": {"aside": name, "manifest": str(path), "status": "running"}}, indent=1))
    else:
        print(f"{_undone(name)}\nnext: pdsl run {_near(path.parent / 'plan.json')}, or pdsl submit")


def _apply(found: Rollback, store: Store, target: Plan | None, jobs: int, dear: bool, json: bool) -> None:
    watch = watcher(target or found.plan, quiet=json)
    done = do(found, store, watch, jobs=jobs, revised=target, dear=dear)
    watch.close()
    print(codec.dumps({**_data(found), "applied": _applied_data(done)}, indent=1)) if json else sys.stdout.write(_applied_text(found, done))
    if done.outcome.interrupted:
        raise typer.Exit(130)
    if done.outcome.fault is not None:
        raise done.outcome.fault


def _undo(name: str, store: Store, json: bool) -> None:
    aside = asides.find(store, name)
    plan = store.plan(aside.plan)
    replaced = put_back(store, aside)
    path, _ = gather(plan, store)
    if json:
        print(codec.dumps({"version": 1, "undone": name, "aside": replaced.name if replaced else None, "manifest": str(path)}))
        return
    print(f"{', '.join(aside.keys)}: as before the rollback. manifest: {_near(path)}")
    if replaced is not None:
        print(f"what had taken their place is set aside as {replaced.name}")


def _text(found: Rollback, path: Path) -> str:
    plan, failed = found.plan, found.failed
    lines = [
        f"{plan.pipeline} {plan.pipeline_version}, plan {short(plan.digest)}: {failed.name} failed ({failed.tier}, {failed.on_failure})",
        "",
    ]
    rows = [("", "rollback set", "tier", "action", "time", "USD", "")]
    rows += [_row(found, name) for name in found.invalid]
    lines += [f"  {line}" for line in aligned(rows)]
    lines += ["", f"To run again: {_count(found.cost)}: {_sum(found.cost)}"]
    lines.append(f"From the cache: {_names(found.cached)}")
    if found.pending:
        lines.append(f"Never done, and due as well: {_names(found.pending)}")
    lines.append(f"Saved against a full re-run ({_sum(found.whole)}): {_flat(found.saved)}{_share(found.saved, found.whole)}")
    lines += [f"damaged: {fault}" for fault in found.damaged.values()]
    lines += ["", *_good(found)] if found.good else []
    lines.append(f"next: pdsl rollback {_near(path)} --failed {failed.name} --apply" + _advice(found))
    return "\n".join(lines) + "\n"


def _advice(found: Rollback) -> str:
    if found.failed.on_failure == "retrain":
        return ", with `--revised PIPELINE` once its inputs are revised"
    return ""


def _row(found: Rollback, name: str) -> tuple[str, ...]:
    stage, part = found.plan.stage(name), found.spent[name]
    usd = "price unknown" if part.usd is None else spread(part.usd, dollars)
    mark = "!" if stage is found.failed else ">"
    return mark, name, stage.tier, stage.on_failure, spread(part.seconds, duration), usd, "measured" if part.measured else "estimated"


def _good(found: Rollback) -> Iterator[str]:
    yield "Last good artifacts of what is expensive:"
    width = max(map(len, found.good))
    for name, good in found.good.items():
        yield f"  {name:<{width}}  {'none' if good is None else _shown(good)}"


def _shown(good: Good) -> str:
    metrics = "".join(f", {metric} {value:.4g}" for metric, value in good.metrics.items())
    run = "a run whose manifest is gone" if good.run is None else good.run if good.run == "this run" else str(_near(Path(good.run)))
    then = "".join(f", {change.field} {change.old!r} there and {change.new!r} here" for change in good.changed if change.field)
    return f"{good.output} of {run}{metrics}{then}"


def _count(cost: Sum) -> str:
    return f"{cost.stages} stage{'s' if cost.stages > 1 else ''}, {cost.measured} by what was really spent"


def _sum(cost: Sum) -> str:
    chain = "" if cost.longest == cost.seconds else f"; {spread(cost.longest, duration)} along the longest chain"
    return _flat(cost) + chain


def _flat(cost: Sum) -> str:
    hours = [f"{spread(hours, _hours)} hours of {device}" for device, hours in cost.hours.items()]
    usd = "price unknown" if cost.usd is None else spread(cost.usd, dollars)
    return ", ".join([spread(cost.seconds, duration), usd, *hours])


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.2g}"


def _share(part: Sum, whole: Sum) -> str:
    return f", {100 * part.seconds.point / whole.seconds.point:.0f}% of the time" if whole.seconds.point else ""


def _names(names: tuple[str, ...]) -> str:
    if not names:
        return "nothing"
    shown = names if len(names) <= _SHOWN else (*names[: _SHOWN - 2], "...", names[-1])
    return f"{len(names)} stage{'s' if len(names) > 1 else ''}: {', '.join(shown)}"


_SHOWN = 12


def _applied_text(found: Rollback, done: Applied) -> str:
    figures = _measured(done)
    lines = [_undone(done.aside)]
    lines.append(f"ran again: {_names(tuple(done.ran))}")
    lines.append(f"from the cache: {_names(tuple(done.reused))}")
    again, whole, saved = figures["ran"], figures["whole"], figures["saved"]
    if done.outcome.fault is None and not done.outcome.interrupted and whole["seconds"]:
        lines.append(
            f"measured: {duration(again['seconds'])} and {dollars(again['usd'])} again, in {duration(done.outcome.seconds)} of wall clock; "
            f"the whole took {duration(whole['seconds'])} and {dollars(whole['usd'])}: "
            f"saved {duration(saved['seconds'])} ({100 * saved['seconds'] / whole['seconds']:.0f}%) and {dollars(saved['usd'])}"
        )
    lines.append(f"manifest: {_near(done.outcome.manifest)}")
    return "\n".join(lines) + "\n"


def _undone(aside: str | None) -> str:
    return "there was nothing to set aside" if aside is None else f"set aside: {aside}; `pdsl rollback --undo {aside}` puts it back"


def _measured(done: Applied) -> dict[str, dict[str, Any]]:
    """What ran again, what did not have to, and both: by their records."""
    parts = {"ran": done.ran, "saved": done.reused, "whole": {**done.ran, **done.reused}}
    return {name: {"seconds": _seconds(records), "usd": _usd(records)} for name, records in parts.items()}


def _seconds(records: Mapping[str, Record]) -> float:
    return round(sum(record.wall_clock_sec for record in records.values()), 3)


def _usd(records: Mapping[str, Record]) -> float | None:
    costs = [record.cost_usd for record in records.values()]
    return None if None in costs else sum(cost or 0.0 for cost in costs)


def _data(found: Rollback) -> dict[str, Any]:
    return {
        "version": 1,
        "pipeline": found.plan.pipeline,
        "plan": found.plan.digest,
        "failed": found.failed.name,
        "action": found.failed.on_failure,
        "rollback_set": list(found.invalid),
        "cached": list(found.cached),
        "pending": list(found.pending),
        "damaged": dict(found.damaged),
        "stages": [_stage_data(found, part) for part in found.spent.values()],
        "cost": unstructure(found.cost),
        "full_rerun": unstructure(found.whole),
        "saved": unstructure(found.saved),
        "last_good": {name: None if good is None else _good_data(good) for name, good in found.good.items()},
    }


def _stage_data(found: Rollback, part: Spent) -> dict[str, Any]:
    stage = part.stage
    return {
        "name": stage.name,
        "tier": stage.tier,
        "action": stage.on_failure,
        "invalid": stage.name in found.invalid,
        "device": stage.device,
        "devices": stage.devices,
        "seconds": _interval(part.seconds),
        "usd": None if part.usd is None else _interval(part.usd),
        "measured": part.measured,
    }


def _good_data(good: Good) -> dict[str, Any]:
    return {**unstructure(good), "changed": [unstructure(change) for change in good.changed]}


def _interval(interval: Interval) -> dict[str, float]:
    return attrs.asdict(interval)


def _applied_data(done: Applied) -> dict[str, Any]:
    fault = done.outcome.fault
    return {
        "aside": done.aside,
        "manifest": str(done.outcome.manifest),
        "ran": list(done.ran),
        "from_cache": list(done.reused),
        "wall_clock_sec": round(done.outcome.seconds, 3),
        "measured": _measured(done),
        "status": "failed" if fault else "interrupted" if done.outcome.interrupted else "complete",
        "fault": None if fault is None else {"code": fault.code, "message": fault.message},
    }


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path
