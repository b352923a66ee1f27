"""An exemption: a named reviewer's signed statement that some contaminated items are no reason to hold, such as a famous quotation.

It names each item by the digest of its text and of what was seen of it, so that it counts in the next run too, and no longer
as soon as more of the item is seen. It is about one pipeline, and lives in the decision log. What a report counts it does not change.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import BadFile, BadSignature, NotAllowed
from pipeline_dsl.gates.policy import Policy
from pipeline_dsl.gates.signature import EXCEPTION
from pipeline_dsl.gates.statement import moment, require_in_force, require_logged, signer
from pipeline_dsl.gates.verdict import Verdict
from pipeline_dsl.store.log import Entry
from pipeline_dsl.store.manifest import Signed

KIND = "exemption"
"""What the decision log calls it."""


@attrs.frozen(kw_only=True)
class Exemption:
    """What a reviewer signs. Times are UTC, ISO 8601; digests are whole."""

    pipeline: str
    items: tuple[str, ...]
    """Digests of hits of a contamination report."""
    reviewer: str
    reason: str
    signed: str
    expires: str
    policy: str
    log: str | None


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
        signed = _signed(entry)
        exemption = read_exemption(signed)
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


def read_exemption(signed: Signed) -> Exemption:
    """What a signed exemption says; whether it was signed must still be asked.

    Raises: BadSignature if it is none.
    """
    if signed.purpose != EXCEPTION:
        raise BadSignature(f"what is signed as `{signed.purpose:.60}` is no exemption")
    try:
        exemption = structure(signed.statement, Exemption, what="the signed statement")
        for said in (exemption.signed, exemption.expires):
            moment(said)
    except (BadFile, ValueError) as error:
        raise BadSignature(f"what is signed is no exemption: {error}") from error
    if not (exemption.reviewer.isprintable() and exemption.reason.isprintable()):
        raise BadSignature("what is signed is no exemption: its words have characters that cannot be printed")
    return exemption


def _signed(entry: Entry) -> Signed:
    """The statement that the log holds whole."""
    try:
        return structure({**entry.facts, "logged": entry.digest}, Signed, what=f"line {entry.number} of the decision log")
    except BadFile as error:
        raise BadSignature(f"line {entry.number} of the decision log holds no signed statement: {error.message}") from error


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
