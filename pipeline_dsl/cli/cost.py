"""`pdsl cost`: what a pipeline would take, per stage, with every assumption; what if; and what changed since a revision."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import Exit, Usage
from pipeline_dsl.base.units import dollars, scaled
from pipeline_dsl.cli.bill import compared, device_hours, hours_by_device, spread, total
from pipeline_dsl.cli.formats.columns import aligned
from pipeline_dsl.cli.options import JsonOption, Target
from pipeline_dsl.cli.report import print_text
from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.compiler.what_if import Costed, WhatIf, device_called, of_stages, suppose
from pipeline_dsl.plan import plan as plans

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def cost(
    target: Target,
    json: JsonOption = False,
    gpu: Annotated[str | None, typer.Option("--gpu", metavar="NAME", help="What if the accelerators were these: H200-SXM, MI300X.")] = None,
    mfu: Annotated[float | None, typer.Option("--mfu", help="What if model FLOPs reached this share of the peak: 0.4.")] = None,
    price: Annotated[float | None, typer.Option("--price", metavar="USD", help="What if an hour of one device cost this.")] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="REVISION", help="Also what changed since a git revision: main, HEAD~3.")
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Show stages one by one that cost next to nothing, too.")] = False,
) -> None:
    """Show what a pipeline would take: FLOPs, device-hours and dollars, each with an 80% interval and what it assumes.

    FLOPs are counted from the shapes of matrices, causal attention included; beside them stands the rule of thumb, 6 x parameters
    x tokens. Without a declared MFU, one is predicted from published runs. An unknown price is unknown, never 0.

    A pipeline that does not pass its checks is shown as well, with its faults, and the command exits 1.

    What if: --gpu, --mfu and --price stand in for what is declared of the accelerators, or of all devices where there are none.

    \b
    Examples:
      pdsl cost pipelines/llama_7b.py
      pdsl cost pipelines/llama_7b.py --gpu H200-SXM --price 3.20
      pdsl cost pipelines/llama_7b.py --mfu 0.35 --against main
    """
    if mfu is not None and not 0 < mfu <= 1:
        raise Usage(f"--mfu {mfu:g} is no share of the peak", help="it is above 0 and at most 1: --mfu 0.4")
    if price is not None and not 0 <= price < float("inf"):
        raise Usage(f"--price {price:g} is no price", help="in USD an hour of one device, 0 or more")
    bill, sound = _bill(target, WhatIf(device=None if gpu is None else device_called(gpu), mfu=mfu, price=price))
    before: list[dict[str, Any]] | None = None
    if against is not None:
        from pipeline_dsl.cli.revision import cost_at

        given = (("--gpu", gpu), ("--mfu", mfu), ("--price", price))
        before = cost_at(against, target, [f"{name}={value}" for name, value in given if value is not None])["stages"]
    if json:
        import json as codec

        print(codec.dumps(_data(bill, before), indent=1))
    else:
        lines = [*_head(bill), *_table(bill.shown, all), "", *_notes(bill)]
        if before is not None:
            lines += ["", f"Since {against}:", *compared(before, _stages(bill.shown))]
        sys.stdout.write("\n".join(lines) + "\n")
    if not sound:
        raise typer.Exit(int(Exit.FINDINGS))


@attrs.frozen
class _Bill:
    """A pipeline, as it is shown and as it was declared."""

    pipeline: str
    version: str
    budget: float | None
    supposed: WhatIf
    shown: tuple[Costed, ...]
    declared: tuple[Costed, ...]


def _bill(target: str, supposed: WhatIf) -> tuple[_Bill, bool]:
    """The bill of a target, and whether it passes its checks: what is over its budget is costed all the same."""
    if target.endswith(".json"):
        if not supposed.nothing:
            raise Usage("a saved plan cannot be supposed otherwise", help="name the pipeline's file or module")
        plan = plans.read(Path(target))
        stages = of_stages(plan.stages)
        return _Bill(plan.pipeline, plan.pipeline_version, plan.budget_usd, supposed, stages, stages), True
    compiled = compile_target(target)
    print_text(compiled.diagnostics, sys.stderr)
    if compiled.graph is None:
        raise typer.Exit(int(Exit.FINDINGS))
    pipeline = compiled.graph.pipeline
    declared = suppose(compiled.graph, WhatIf())
    shown = declared if supposed.nothing else suppose(compiled.graph, supposed)
    return _Bill(pipeline.name, pipeline.version, pipeline.budget.usd, supposed, shown, declared), compiled.plan is not None


def _data(bill: _Bill, before: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {
        "version": 1,
        "pipeline": bill.pipeline,
        "budget_usd": bill.budget,
        "what_if": str(bill.supposed) or None,
        "stages": _stages(bill.shown),
        "total": unstructure(total(bill.shown)),
        "declared_total": None if bill.supposed.nothing else unstructure(total(bill.declared)),
        "against": before,
    }


def _stages(stages: Sequence[Costed]) -> list[dict[str, Any]]:
    return [
        {
            "name": stage.name,
            "kind": stage.kind,
            "device": stage.device,
            "devices": stage.devices,
            "device_hours": unstructure(device_hours(stage)),
            **unstructure(stage.estimate),
        }
        for stage in stages
    ]


def _head(bill: _Bill) -> list[str]:
    title = f"{bill.pipeline} {bill.version}"
    if bill.supposed.nothing:
        return [title, ""]
    usd = total(bill.declared).usd
    return [f"{title}, supposed {bill.supposed}; as declared {'price unknown' if usd is None else spread(usd, dollars)}", ""]


def _table(stages: Sequence[Costed], every: bool) -> list[str]:
    whole = total(stages)
    share = 0.0 if whole.usd is None else whole.usd.point / 1000
    rows = [("stage", "on", "FLOPs", "6ND", "device-hours", "USD")]
    small: list[Costed] = []
    for stage in stages:
        usd = stage.estimate.usd
        if not every and usd is not None and usd.point <= share and stage.estimate.million_usd is None:
            small.append(stage)
            continue
        rows.append((stage.name, f"{stage.devices} x {stage.device}", *_figures(stage)))
    if small:
        rest = total(small)
        usd = "" if rest.usd is None else spread(rest.usd, dollars)
        rows.append((f"{len(small)} small {'ones' if len(small) > 1 else 'one'}", "", _count(rest.flops), "", "", usd))
    usd = "price unknown" if whole.usd is None else spread(whole.usd, dollars)
    (device, hours), *others = hours_by_device(stages)
    rows.append(("total", device, _count(whole.flops), _count(whole.six_nd), spread(hours, _hours), usd))
    rows += [("", device, "", "", spread(hours, _hours), "") for device, hours in others]
    return aligned(rows)


def _figures(stage: Costed) -> tuple[str, str, str, str]:
    estimate = stage.estimate
    usd = "price unknown" if estimate.usd is None else spread(estimate.usd, dollars)
    more = "at least " if estimate.unknown else ""
    return _count(estimate.flops), _count(estimate.six_nd), spread(device_hours(stage), _hours), more + usd


def _count(flops: float | None) -> str:
    return "" if not flops else scaled(flops)


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}"


def _notes(bill: _Bill) -> Iterator[str]:
    for stage in bill.shown:
        estimate = stage.estimate
        if estimate.million_usd is not None:
            yield f"{stage.name} serves a million written tokens, prompts included, for {spread(estimate.million_usd, dollars)}"
        if estimate.recomputed:
            yield f"{stage.name} computes {scaled(estimate.recomputed, 'FLOP')} of activations again: MFU does not count them"
        if estimate.read:
            yield f"{stage.name} reads {scaled(estimate.read, 'B')} from memory while it writes tokens one by one"
    if bill.budget is not None:
        yield f"budget {dollars(bill.budget)}"
    unknown = {stage.estimate.unknown: stage.name for stage in bill.shown if stage.estimate.unknown}
    for reason, name in unknown.items():
        yield f"not counted, so the total is a lower bound: {reason} ({name})"
    yield "80% intervals; a total adds them up as if all stages were off the same way. Assumed:"
    for said in sorted({stage.estimate.assumptions for stage in bill.shown}):
        yield f"  {said}"
