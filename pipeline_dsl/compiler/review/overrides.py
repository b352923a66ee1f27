"""Overrides in a manifest that is written in full: each is a signed statement. Who signed it, and of what verdict, `pdsl gate` verifies."""

from collections.abc import Iterator
from datetime import UTC, datetime

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.base.digest import short as cut
from pipeline_dsl.compiler.review.findings import FieldUnknown
from pipeline_dsl.compiler.review.report import meant
from pipeline_dsl.compiler.review.subject import Subject
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.store.manifest import Signed

_PARTS = tuple(field.name for field in attrs.fields(Signed))
_HELP = "a reviewer signs it when the run holds: `pdsl override MANIFEST --gate NAME --reviewer NAME --reason TEXT`"


def claimed(subject: Subject) -> Iterator[Diagnostic]:
    """Overrides that are none, and those that do not count any more."""
    said = subject.tree.items.get("overrides")
    for entry in said.members if said is not None and not subject.short else ():
        missing = [part for part in _PARTS if not _said(entry, part)]
        if missing:
            text = f"an override is not signed, and lets nothing through: it has no {', no '.join(f'`{part}`' for part in missing)}"
            yield FieldUnknown.finding(text, entry.key, help=_HELP)
            continue
        for key, item in entry.items.items():
            if key not in _PARTS:
                yield FieldUnknown.finding(f"an override has no {key!r:.60}", item.key, help=meant(key, _PARTS))
        yield from _void(subject, entry.items["statement"])


def _said(entry: Tree, part: str) -> bool:
    item = entry.items.get(part)
    return item is not None and (bool(item.items) if part == "statement" else isinstance(item.value, str) and bool(item.value))


def _void(subject: Subject, statement: Tree) -> Iterator[Diagnostic]:
    expires, plan = statement.items.get("expires"), statement.items.get("plan")
    ours = subject.tree.items.get("plan")
    if expires is not None and (end := _moment(expires.text or "")) is not None and end < datetime.now(UTC):
        yield _warning(f"an override expired on {end.date()}, and lets nothing through any more", expires)
    if plan is not None and ours is not None and plan.value != ours.value:
        text = f"an override was signed for the plan {cut(plan.text or '')}, not for this one: it lets nothing through"
        yield _warning(text, plan)


def _warning(text: str, at: Tree) -> Diagnostic:
    return attrs.evolve(FieldUnknown.finding(text, at.span, help=_HELP), severity=Severity.WARNING)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
