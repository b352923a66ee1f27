"""One row a figure, one table a run."""

from collections.abc import Iterable

import attrs


@attrs.frozen
class Row:
    """What was measured, ours and the other's figure, and whether ours is within the target; None if it could not be measured."""

    what: str
    ours: str
    other: str
    ratio: str
    target: str
    ok: bool | None


def at_most(what: str, ours: str, other: str, ratio: float, limit: float) -> Row:
    """A row whose ratio of ours to the other's must not pass `limit`."""
    return Row(what, ours, other, f"{ratio:.2f}x", f"<= {limit:g}x", ratio <= limit)


def at_least(what: str, ours: str, other: str, ratio: float, limit: float) -> Row:
    """A row whose ratio of ours to the other's must reach `limit`."""
    return Row(what, ours, other, f"{ratio:.1f}x", f">= {limit:g}x", ratio >= limit)


def absent(what: str, why: str) -> Row:
    """A row that could not be measured here."""
    return Row(what, "", why, "", "", None)


HEADINGS = Row("what", "ours", "floor or peer", "ratio", "target", None)


def printed(rows: Iterable[Row]) -> str:
    """The rows as aligned text."""
    cells = [(row.what, row.ours, row.other, row.ratio, row.target) for row in (HEADINGS, *rows)]
    verdicts = ["ok?", *({True: "yes", False: "NO", None: "-"}[row.ok] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(f"{line}  {verdict}" for line, verdict in zip(lines, verdicts, strict=True))
