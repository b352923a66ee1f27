"""An exemption: a named reviewer's signed statement that some contaminated items are no reason to hold, such as a famous quotation.

It names each item by the digest of its text and of what was seen of it, so that it counts in the next run too, and no longer
as soon as more of the item is seen. It is about one pipeline, and lives in the decision log. What a report counts it does not change.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from pipeline_dsl.base.fault import NotAllowed
from pipeline_dsl.gates.policy import Policy
from pipeline_dsl.gates.signature import EXCEPTION
from pipeline_dsl.gates.statement import Statement, read, require_in_force, require_logged, signed_at, signer
from pipeline_dsl.gates.verdict import Verdict
from pipeline_dsl.store.log import Entry
from pipeline_dsl.store.manifest import Signed

KIND = "exemption"
"""What the decision log calls it."""


@attrs.frozen(kw_only=True)
class Exemption(Statement):
    """What a reviewer signs."""

    pipeline: str
    items: tuple[str, ...]
    """Digests of hits of a contamination report."""


@attrs.frozen(kw_only=True)
class Exempted:
    """The items that enough reviewers exempted, each with the log entries that say so, and why other exemptions do not count."""

    items: Mapping[str, tuple[str, ...]] = {}
    people: Mapping[str, Exemption] = {}
    """The exemptions that count, by their log entries."""
    notes: tuple[str, ...] = ()


def exempted(verdict: Verdict, policy: Policy | None, log: Sequence[Entry], now: datetime) -> Exempted:
    """What is exempted in a run of this verdict, at this moment.

    Raises: BadSignature if an exemption in the log is none, or was forged; LogBroken; Usage if ssh-keygen is not installed.
    """
    signed_for: dict[str, dict[str, str]] = {}
    counting: dict[str, Exemption] = {}
    notes: list[str] = []
    for entry in (entry for entry in log if entry.kind == KIND):
        signed = signed_at(entry)
        exemption = read(signed, Exemption, (EXCEPTION,), KIND)
        if exemption.pipeline != verdict.pipeline:
            continue
        try:
            person, note = _person(signed, verdict, policy, log, now)
        except NotAllowed as fault:
            notes.append(f"{exemption.reviewer}'s exemption of {len(exemption.items)} items does not count: {fault.message}")
            continue
        notes += [f"{exemption.reviewer}'s exemption: {note}"] if note else []
        counting[entry.digest] = exemption
        for item in exemption.items:
            signed_for.setdefault(item, {})[person] = entry.digest
    needed = policy.contamination.reviewers if policy and policy.contamination else 1
    items = {item: tuple(people.values()) for item, people in signed_for.items() if len(people) >= needed}
    return Exempted(items=items, people=counting, notes=tuple(notes))


def _person(signed: Signed, verdict: Verdict, policy: Policy | None, log: Sequence[Entry], now: datetime) -> tuple[str, str]:
    """Whose an exemption is that counts for this run, and what there is to say about it.

    Raises: NotAllowed if it does not count; BadSignature; LogBroken.
    """
    require_logged(signed, log)
    if policy is None:
        raise NotAllowed("there is no policy to judge it by: name one with --policy")
    person, since = signer(signed, policy)
    agreed = policy.require(policy.contamination, person, verdict.authors, "exempt contaminated items")
    require_in_force(signed.statement, agreed, now)
    return person.name, since
