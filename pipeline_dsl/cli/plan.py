"""`pdsl plan`: what would run, why, and what it would take."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.units import counted, dollars, duration, scaled
from pipeline_dsl.cli.bill import hours_by_device, spread
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, Target, open_store, plan_of
from pipeline_dsl.cli.report import relative
from pipeline_dsl.cli.saving import save
from pipeline_dsl.compiler.compile import Compiled
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.runner.history import Change
from pipeline_dsl.runner.outlook import Outlook, Standing, outlook

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def plan(
    target: Target,
    json: JsonOption = False,
    out: Annotated[Path | None, typer.Option("--out", help="Save the plan here; `pdsl run` takes it as it is.")] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="Write the proposal here, a manifest of a run that has not begun, for `pdsl review`.")
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Show cached stages one by one, too.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show what a pipeline would run, why, and what it would take.

    = cached   ~ its fields changed, or it never ran   > an input changed   ? its inputs are not made yet

    Exits 1 if it cannot be planned, 4 if something in the store is not what its digest says.

    Example: pdsl plan pipelines/tiny.py --out plan.json
    """
    planned, compiled = plan_of(target)
    views = outlook(planned, open_store(store))
    if out is not None:
        save(out, plans.dump(planned).encode())
    if manifest is not None:
        _propose(planned, manifest)
    if json:
        import json as codec

        views_data = [{"stage": view.stage.name, "standing": view.standing.value, "why": _why_data(view.why)} for view in views]
        print(codec.dumps({"version": 1, "digest": planned.digest, "plan": unstructure(planned), "outlook": views_data}, indent=1))
        return
    sys.stdout.write(_text(planned, views, compiled, all or len(views) <= 40))
    if out is not None:
        print(f"saved as {out}")
    if manifest is not None:
        print(f"proposed in {manifest}: `pdsl review {manifest}` judges it")


def _propose(planned: Plan, path: Path) -> None:
    """Write the manifest of a plan before anything ran."""
    from pipeline_dsl.runner.machine import git_commit
    from pipeline_dsl.store.proposal import proposal
    from pipeline_dsl.store.strict_yaml import dumped

    save(path, dumped(proposal(planned, git_commit(Path(planned.root or ".")))).encode())


def _why_data(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    return [unstructure(change) for change in changes]


def _text(planned: Plan, views: list[Outlook], compiled: Compiled | None, every: bool) -> str:
    width = max((len(view.stage.name) for view in views), default=0)
    lines = [f"{planned.pipeline} {planned.pipeline_version}, seed {planned.seed}, plan {short(planned.digest)}", ""]
    for view in views:
        if every or view.standing is not Standing.CACHED:
            lines.append(_line(view, width, compiled))
    lines += ["", _totals(planned, views), *_gates(planned), _note(planned)]
    return "\n".join(lines) + "\n"


def _line(view: Outlook, width: int, compiled: Compiled | None) -> str:
    stage = view.stage
    words = {Standing.CACHED: f"cached   {short(view.output or '')}", Standing.PENDING: "pending  needs " + ", ".join(view.waits_for)}
    head = f"  {view.standing.symbol} {stage.name:<{width}}  {words.get(view.standing) or 'run      ' + _why(view, compiled)}"
    if view.code_changed:
        head += "  (its code changed since, at the same version)"
    if view.standing is Standing.CACHED:
        return head
    return f"{head}\n      {' ' * width}{_takes(stage)}"


def _why(view: Outlook, compiled: Compiled | None) -> str:
    said: list[str] = []
    for change in view.why:
        if change.field is None:
            said.append(change.text)
            continue
        where = _where(view.stage, change.field, compiled)
        said.append(f"{change.field} {change.old!r} -> {change.new!r}{where}")
    return ", ".join(said) or "input " + ", ".join(view.waits_for) + " changed"


def _where(stage: PlannedStage, field: str, compiled: Compiled | None) -> str:
    graph = compiled.graph if compiled else None
    if graph is None:
        return ""
    declared = next((found for found, name in graph.names.items() if name == stage.name), None)
    if declared is None:
        return ""
    span = graph.argument(declared, field)
    return f" ({relative(span.file)}:{span.line})"


def _takes(stage: PlannedStage) -> str:
    estimate = stage.estimate
    parts = [f"{scaled(estimate.flops, 'FLOP')}" if estimate.flops else "no arithmetic to speak of"]
    low, high = duration(estimate.seconds.low), duration(estimate.seconds.high)
    parts.append(low if low == high else f"{low} to {high}")
    parts.append("price unknown" if estimate.usd is None else dollars(estimate.usd.point))
    parts.append(f"rollback {stage.tier}: {stage.on_failure}")
    if stage.kl_budget is not None:
        parts.append(f"KL budget {stage.kl_budget:g} nats")
    if estimate.unknown:
        parts.append(f"at least: {estimate.unknown}")
    return ", ".join(parts)


def _totals(planned: Plan, views: list[Outlook]) -> str:
    due = [view.stage for view in views if view.standing is not Standing.CACHED]
    flops = sum(stage.estimate.flops for stage in due)
    hours = " + ".join(f"{spread(hours, lambda end: f'{end:.3g}')} {device}" for device, hours in hours_by_device(due))
    prices = [stage.estimate.usd for stage in due]
    cost = "unknown" if None in prices else " to ".join(dollars(sum(getattr(usd, end) for usd in prices)) for end in ("low", "high"))
    budget = "" if planned.budget_usd is None else f" of {dollars(planned.budget_usd)}"
    return (
        f"Plan: {len(due)} to run, {len(views) - len(due)} cached, {counted(len(planned.gates), 'gate')}. {scaled(flops, 'FLOP')}, "
        f"{hours or 0} hours, {cost}{budget}"
    )


def _gates(planned: Plan) -> list[str]:
    if not planned.gates:
        return ["No gates: this pipeline ships nothing." if planned.ships is None else "No gates."]
    return [f"Ships {planned.ships} if:", *(f"  {gate}" + (f"  (of {gate.stage})" if gate.stage else "") for gate in planned.gates)]


def _note(planned: Plan) -> str:
    said = sorted({stage.estimate.assumptions for stage in planned.stages})
    return "Assumed: " + "; ".join(said)
