"""Overrides that a short manifest claims: what each must say to count, and what makes it void."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.review.findings import FieldUnknown, StageAbsent
from pipeline_dsl.compiler.review.report import meant
from pipeline_dsl.compiler.review.short.asked import metric_name
from pipeline_dsl.compiler.review.tree import Tree

_NEEDED = {
    "gate": ("gate", "metric"),
    "reviewer": ("reviewer", "approved_by", "approver", "reviewed_by", "by", "signed_by"),
    "reason": ("reason", "why", "justification", "rationale"),
    "expires": ("expires", "expiry", "expires_at", "expires_on", "until", "valid_until"),
}
_ASKED_BY = ("author", "requested_by", "requester", "owner")
_HELP = "let a reviewer sign it when the run holds: `pdsl override MANIFEST --gate NAME --reviewer NAME --reason TEXT`"


def waived(tree: Tree, gates: Mapping[str, Tree]) -> Iterator[Diagnostic]:
    """What is wrong with the overrides of a manifest; none counts that is not signed."""
    said = tree.items.get("overrides")
    if said is None or said.value is None:
        return
    asked_by = {tree.items["author"].text} if "author" in tree.items else set[str | None]()
    entries = [*said.members, *(_keyed(name, item) for name, item in said.items.items())]
    if not entries and not isinstance(said.value, dict | list):
        yield FieldUnknown.finding(f"`overrides` is {said.text!r:.60}, and no list", said.span, help=_HELP)
    for entry in entries:
        yield from _one(entry, gates, asked_by)


def _keyed(name: str, entry: Tree) -> Tree:
    gate = attrs.evolve(entry, value=name, text=name)
    return attrs.evolve(entry, value={"gate": gate, **entry.items})


def _one(entry: Tree, gates: Mapping[str, Tree], asked_by: set[str | None]) -> Iterator[Diagnostic]:
    if "signature" in entry.items or "statement" in entry.items:
        return  # a signed one, which `pdsl gate` verifies against the run's verdict
    given = {what: next((entry.items[key] for key in keys if key in entry.items), None) for what, keys in _NEEDED.items()}
    missing = [what for what, item in given.items() if item is None or not item.text]
    if missing:
        yield FieldUnknown.finding(f"an override says no {', no '.join(f'`{what}`' for what in missing)}", entry.key, help=_HELP)
    gate, reviewer, expires = given["gate"], given["reviewer"], given["expires"]
    if gate is not None and gate.text and metric_name(gate.text) not in gates:
        text = f"an override is of the gate on `{gate.text:.60}`, which the manifest does not have"
        yield StageAbsent.finding(text, gate.span, help=meant(gate.text, gates, "name one of its gates"))
    authors = asked_by | {entry.items[key].text for key in _ASKED_BY if key in entry.items}
    if reviewer is not None and reviewer.text and reviewer.text.strip().lower() in {(name or "").strip().lower() for name in authors}:
        text = f"{reviewer.text:.60} overrides a gate of their own work"
        yield FieldUnknown.finding(text, reviewer.span, help="let somebody else review it")
    if expires is not None and expires.text:
        end = _date(expires.text)
        if end is None:
            yield FieldUnknown.finding(f"an override expires {expires.text!r:.40}, which is no date", expires.span, help="write 2027-01-31")
        elif end < datetime.now(UTC).date():
            yield FieldUnknown.finding(f"an override expired on {end}", expires.span, help=_HELP)
    if not missing:
        found = FieldUnknown.finding("an override is not signed, and lets nothing through", entry.key, help=_HELP)
        yield attrs.evolve(found, severity=Severity.WARNING)


def _date(said: str) -> date | None:
    try:
        return datetime.fromisoformat(said.strip().replace("Z", "+00:00")).date()
    except ValueError:
        return None
