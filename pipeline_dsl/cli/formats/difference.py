"""A difference as text for a terminal, and as Markdown for a pull request."""

import re
from collections.abc import Iterable

from pipeline_dsl.base.digest import short
from pipeline_dsl.cli.bill import aligned
from pipeline_dsl.cli.formats.sections import sections
from pipeline_dsl.cli.impact import Impact
from pipeline_dsl.cli.side import Side


def as_text(found: Impact) -> str:
    """A difference as a person reads it, what alarms first."""
    lines = [f"from {_named(found.old)}", f"to   {_named(found.new)}"]
    for section in sections(found):
        lines += ["", f"{section.title}:" if section.lines or section.rows else section.title]
        lines += [f"  {line}" for line in section.lines]
        lines += [f"  {line}" for line in aligned(section.rows)] if section.rows else []
    return "\n".join(_tame(line) for line in lines) + "\n"


def as_markdown(found: Impact) -> str:
    """A difference as a comment on a pull request."""
    lines = [f"### {_cell(found.new.outline.facts.get('pipeline', 'pipeline'))}: {_verdict(found)}", ""]
    lines += [f"From `{_code(found.old.label)}` to `{_code(found.new.label)}`"]
    for section in sections(found):
        lines += ["", f"**{_cell(section.title)}**", ""]
        lines += [f"- {_cell(line)}" for line in section.lines]
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


def _tame(text: str) -> str:
    """Text without the characters that would command a terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", lambda found: repr(found.group())[1:-1], text)


def _cell(text: str) -> str:
    """Text that Markdown shows as it is, in a table or out of it."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@])", r"\\\1", _tame(text))


def _code(text: str) -> str:
    return _tame(text).replace("`", "'")


def _table_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell if cell == "---" else _cell(cell) for cell in cells) + " |"
