"""A field that moved, as three cells: its path, what it was and what it is."""

import json as codec
from typing import Any

from pipeline_dsl.plan.comparison import Moved

_LONG = 100
"""Characters of a value that are shown."""

_LEAD = 30
"""Characters that two long values share, shown in front of where they differ."""


def cells(move: Moved) -> tuple[str, str, str]:
    """(field, what it was, what it is), as far as they differ where they are long."""
    if move.kind == "added":
        return move.field, "(not there)", _cut(_spelled(move.new), 0)
    if move.kind == "removed":
        return move.field, _cut(_spelled(move.old), 0), "(gone)"
    was, is_ = (_spelled(value) for value in (move.old, move.new))
    shared = next((at for at, (one, other) in enumerate(zip(was, is_, strict=False)) if one != other), min(len(was), len(is_)))
    start = max(0, shared - _LEAD) if max(len(was), len(is_)) > _LONG else 0
    return move.field, _cut(was, start), _cut(is_, start)


def _spelled(value: Any) -> str:
    """A value as JSON; words without quotes, unless they could be taken for another value."""
    quoted = codec.dumps(value, ensure_ascii=False, default=str)
    if not isinstance(value, str) or not value or not value.isprintable():
        return quoted
    try:
        codec.loads(value)
    except ValueError:
        return value
    return quoted


def _cut(text: str, start: int) -> str:
    end = start + _LONG
    return ("..." if start else "") + text[start:end] + ("..." if len(text) > end else "")
