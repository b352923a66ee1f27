"""Markdown in which a value stays a value: whatever it holds, it is no link, no HTML, no heading and no new row.

Source: CommonMark 0.31; GitHub Flavored Markdown, tables and autolinks.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, cast

_LONG = 240
"""Characters of a value that are shown; what is longer is told by its length."""
_DANGEROUS = re.compile(r"[\\`*_\[\]<>&~$@#|!^=]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def text(value: object) -> str:
    """A value as running text: every character that could mean something to Markdown is escaped."""
    return _DANGEROUS.sub(lambda found: f"&#{ord(found[0])};", plain(value))


def code(value: object) -> str:
    """A value as a code span, where nothing has a meaning. Empty values are shown as such."""
    shown = plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
    if not shown:
        return "(empty)"
    if len(shown) > _LONG:
        shown = f"{shown[:_LONG]}... ({len(shown)} characters)"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def plain(value: object) -> str:
    """A value on one line, without characters that are not seen or that turn the direction of reading."""
    spaced = re.sub(r"\s+", " ", str(value)).strip()
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter for letter in spaced)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, its cells written by `text`, `code` or by us; nothing at all without rows."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    if not cells:
        return []
    return [_row(header), _row(["---"] * len(header)), *map(_row, cells), ""]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def bullets(items: Iterable[str]) -> list[str]:
    """A list; nothing at all without items."""
    lines = [f"- {item}" for item in items]
    return [*lines, ""] if lines else []


def section(title: str, *blocks: Sequence[str]) -> list[str]:
    """A section with a heading of our own words."""
    return [f"## {title}", "", *(line for block in blocks for line in block)]


def number(value: float | None) -> str:
    """A measured number with four figures."""
    return "unknown" if value is None else f"{value:.4g}"


def spread(around: tuple[float, float] | None) -> str:
    """A 95% interval, or that there is none."""
    return "no interval" if around is None else f"{around[0]:.4g} to {around[1]:.4g}"


def front_matter(data: dict[str, Any]) -> list[str]:
    """Metadata as the Hugging Face Hub reads it, at the top of a card; keys without a value are left out."""
    import yaml

    kept = {key: _tame(value) for key, value in data.items() if value not in (None, [], "")}
    said = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=10**9)
    return ["---", *said.splitlines(), "---", ""]


def _tame(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tame(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_tame(item) for item in cast("list[Any]", value)]
    return plain(value) if isinstance(value, str) else value
