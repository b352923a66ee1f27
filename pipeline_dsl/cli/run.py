"""`pdsl run`: make what is not made yet."""

import json as codec
import time
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.base.units import counted, dollars, duration
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, Target, open_store, plan_of
from pipeline_dsl.cli.report import relative
from pipeline_dsl.cli.watch import watcher
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.run import Order, Outcome, run as execute

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def run(
    target: Target,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Cores to keep busy; 0 is all of them.")] = 0,
    start: Annotated[str | None, typer.Option("--from", metavar="STAGE", help="Run STAGE again and everything that depends on it.")] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="STAGE", help="Run nothing but STAGE; its inputs must be done.")] = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Run a pipeline or a saved plan, as far as it is not done.

    Finished stages are found by digest and skipped. Interrupted at any moment, the same command goes on. Exits 5 if a stage
    failed, 4 if something in the store is not what its digest says, 3 if the budget is spent.

    With OTEL_EXPORTER_OTLP_ENDPOINT each stage is a span of one trace, whose number is the start of the plan's digest. With
    MLFLOW_TRACKING_URI each stage is a run of that tracker, with its curves while it goes.

    Example: pdsl run pipelines/tiny.py --jobs 2
    """
    plan, _ = plan_of(target)
    order = _order(plan, jobs, start, only)
    watch, began = watcher(plan, quiet=json), time.time()
    outcome = execute(plan, open_store(store), watch, order)
    watch.close()
    if outcome.seconds:
        from pipeline_dsl.runner import telemetry, tracking  # a run that found everything done does without

        telemetry.tell_run(plan, outcome.manifest, began)
        tracking.tell_run(plan, outcome.manifest, began)
    if json:
        print(codec.dumps(_data(plan, outcome)))
    else:
        _tell(plan, outcome)
    if outcome.interrupted:
        raise typer.Exit(130)
    if outcome.fault is not None:
        raise outcome.fault


def _order(plan: Plan, jobs: int, start: str | None, only: str | None) -> Order:
    """What to run again, and what to leave out.

    Raises: Usage if there is no such stage, or nothing is left.
    """
    again = frozenset[str]() if start is None else frozenset(plan.descendants({plan.find(start).name}))
    wanted = None if only is None else frozenset({plan.find(only).name})
    if again and wanted and not again & wanted:
        raise Usage(f"`--from {start}` does not run {', '.join(wanted)} again", help="leave one of `--from` and `--only` out")
    return Order(jobs=jobs, again=again, only=wanted)


def _data(plan: Plan, outcome: Outcome) -> dict[str, object]:
    fault = outcome.fault
    return {
        "version": 1,
        "plan": plan.digest,
        "manifest": str(outcome.manifest),
        "ran": outcome.ran,
        "status": "failed" if fault else "interrupted" if outcome.interrupted else "complete",
        "fault": None if fault is None else {"code": fault.code, "message": fault.message},
    }


def _tell(plan: Plan, outcome: Outcome) -> None:
    manifest = relative(str(outcome.manifest))
    if outcome.interrupted:
        print(f"interrupted; the same command goes on from here. manifest: {manifest}")
    elif outcome.fault is None and outcome.ran == 0:
        done = f"all {len(plan.stages)} stages are" if len(plan.stages) > 1 else "its stage is"
        print(f"{plan.pipeline}: {done} cached, nothing to do. manifest: {manifest}")
    elif outcome.fault is None:
        cost = dollars(outcome.cost_usd)
        print(f"{plan.pipeline}: {counted(outcome.ran, 'stage')} ran in {duration(outcome.seconds)}, {cost} in all. manifest: {manifest}")
        if plan.gates:
            print(f"next: pdsl gate {manifest}")
    else:
        print(f"manifest: {manifest}")
