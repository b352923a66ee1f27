"""`pdsl graph`: the pipeline, drawn."""

import html
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from pipeline_dsl.cli.options import JsonOption, Target, plan_of
from pipeline_dsl.plan.plan import Plan

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How the graph is drawn."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"


@app.command()
def graph(
    target: Target,
    format: Annotated[Format, typer.Option("--format", "-f", help="How it is drawn.")] = Format.TEXT,
    json: JsonOption = False,
) -> None:
    """Draw a pipeline: each stage with what it makes and what it reads.

    Example: pdsl graph pipelines/tiny.py --format mermaid
    """
    plan, _ = plan_of(target)
    if json:
        import json as codec

        nodes = [{"name": stage.name, "makes": stage.produces, "reads": list(dict.fromkeys(stage.parents))} for stage in plan.stages]
        print(codec.dumps({"version": 1, "pipeline": plan.pipeline, "stages": nodes}, indent=1))
        return
    print({Format.TEXT: as_text, Format.MERMAID: as_mermaid, Format.SVG: as_svg}[format](plan))


def layers(plan: Plan) -> list[list[str]]:
    """The stages by depth: each stands one layer below the deepest that it reads."""
    depth: dict[str, int] = {}
    for stage in plan.stages:
        depth[stage.name] = 1 + max((depth[parent] for parent in stage.parents), default=-1)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name, level in depth.items():
        found[level].append(name)
    return found


def as_text(plan: Plan) -> str:
    """One line a stage, layer by layer; stages of one layer can run at the same time."""
    width = max(len(stage.name) for stage in plan.stages)
    lines: list[str] = []
    for level in layers(plan):
        for position, name in enumerate(level):
            stage = plan.stage(name)
            bar = " " if len(level) == 1 else "┌" if position == 0 else "└" if position == len(level) - 1 else "├"
            reads = ", ".join(dict.fromkeys(stage.parents))
            ships = "  (ships)" if plan.ships == name else ""
            lines.append(f"{bar} {name:<{width}}  {stage.produces}{' <- ' + reads if reads else ''}{ships}")
    return "\n".join(lines)


def as_mermaid(plan: Plan) -> str:
    """A Mermaid flowchart, as GitHub shows it in Markdown."""
    number = {stage.name: f"s{index}" for index, stage in enumerate(plan.stages)}
    lines = ["flowchart TD"]
    lines += [f'    {number[stage.name]}["{stage.name}<br/>{stage.produces}"]' for stage in plan.stages]
    for stage in plan.stages:
        lines += [f"    {number[parent]} --> {number[stage.name]}" for parent in dict.fromkeys(stage.parents)]
    if plan.ships:
        lines.append(f"    style {number[plan.ships]} stroke-width:3px")
    return "\n".join(lines)


_BOX, _GAP, _HEIGHT, _STEP = 190, 30, 44, 90


def as_svg(plan: Plan) -> str:
    """A picture: one row a layer, arrows downwards."""
    rows = layers(plan)
    width = max(len(row) for row in rows) * (_BOX + _GAP) + _GAP
    place = {name: (_left(row, column, width), level * _STEP + 20) for level, row in enumerate(rows) for column, name in enumerate(row)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{len(rows) * _STEP + 20}"',
        ' font-family="sans-serif" font-size="12">',
        '<defs><marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">',
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ]
    for stage in plan.stages:
        x, y = place[stage.name]
        for parent in dict.fromkeys(stage.parents):
            px, py = place[parent]
            parts.append(
                f'<line x1="{px + _BOX // 2}" y1="{py + _HEIGHT}" x2="{x + _BOX // 2}" y2="{y}" stroke="black" marker-end="url(#end)"/>'
            )
        weight = 3 if plan.ships == stage.name else 1
        parts.append(
            f'<rect x="{x}" y="{y}" width="{_BOX}" height="{_HEIGHT}" rx="6" fill="white" stroke="black" stroke-width="{weight}"/>'
        )
        for line, text in enumerate((stage.name, stage.produces)):
            parts.append(f'<text x="{x + _BOX // 2}" y="{y + 18 + 16 * line}" text-anchor="middle">{html.escape(text)}</text>')
    return "\n".join([*parts, "</svg>"])


def _left(row: Sequence[str], column: int, width: int) -> int:
    used = len(row) * (_BOX + _GAP) - _GAP
    return (width - used) // 2 + column * (_BOX + _GAP)
