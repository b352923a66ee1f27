"""Text that Markdown shows as it is, whoever wrote it."""

import re

from pipeline_dsl.cli.report import tame_line

_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"}


def escaped(text: str) -> str:
    """Text without what Markdown or HTML would read as their own, in a cell of a table or out of one."""
    return re.sub(r"[\\`*_{}\[\]<>#|~@!&]", lambda found: _ENTITIES.get(found.group(), f"\\{found.group()}"), tame_line(text))


def code(text: str) -> str:
    """Text as code, in a cell of a table or out of one."""
    return "`" + tame_line(text).replace("`", "'").replace("|", "\\|") + "`"
