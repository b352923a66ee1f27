"""A difference as text for a terminal, and as Markdown for a pull request."""

from collections.abc import Iterable

from pipeline_dsl.base.digest import short
from pipeline_dsl.cli.formats.columns import aligned
from pipeline_dsl.cli.formats.markdown import code, escaped
from pipeline_dsl.cli.formats.sections import sections
from pipeline_dsl.cli.impact import Impact
from pipeline_dsl.cli.report import tame_line
from pipeline_dsl.cli.side import Side


def as_text(found: Impact) -> str:
    """A difference as a person reads it, what alarms first."""
    lines = [f"from {_named(found.old)}", f"to   {_named(found.new)}"]
    for section in sections(found):
        lines += ["", f"{section.title}:" if section.lines or section.rows else section.title]
        lines += [f"  {line}" for line in section.lines]
        lines += [f"  {line}" for line in aligned(section.rows)] if section.rows else []
    return "\n".join(tame_line(line) for line in lines) + "\n"


def as_markdown(found: Impact) -> str:
    """A difference as a comment on a pull request."""
    lines = [f"### {escaped(found.new.outline.facts.get('pipeline', 'pipeline'))}: {_verdict(found)}", ""]
    lines += [f"From {code(found.old.label)} to {code(found.new.label)}"]
    for section in sections(found):
        lines += ["", f"**{escaped(section.title)}**", ""]
        lines += [f"- {escaped(line)}" for line in section.lines]
        if section.rows:
            lines += [_table_row(section.head), _table_row(["---"] * len(section.head)), *map(_table_row, section.rows)]
    return "\n".join(lines) + "\n"


def _named(side: Side) -> str:
    digest = side.plan.digest if side.plan else side.run.manifest.plan if side.run else ""
    if side.run is None:
        return f"{side.label}, plan {short(digest)}"
    confirmed, stages = len(side.run.records), len(side.run.manifest.stages)
    backing = f"{confirmed} of {stages} stages confirmed by the store" if confirmed else "only claimed: the store has none of it"
    return f"{side.label}, a run of plan {short(digest)}, {side.run.manifest.status}, {backing}"


def _verdict(found: Impact) -> str:
    if found.same:
        return "nothing differs"
    invalid = len(found.comparison.invalid)
    flags = f"{len(found.flags)} red flag{'s' if len(found.flags) > 1 else ''}, " if found.flags else ""
    return f"{flags}{invalid} stage{'' if invalid == 1 else 's'} to run again"


def _table_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell if cell == "---" else escaped(cell) for cell in cells) + " |"
