"""What every signed statement has in common, whatever it is about: who signs it, why, until when, and what it was signed on top of.

    statement = {**terms(person, reason, now, end, policy, log), "about": ...}
    signed = sign_as(person, statement, PURPOSE, key)          # then it is logged, and kept with the digest of its line
    ...
    said = read(signed, Override, (PURPOSE,), "override")      # each time it is to count
    require_logged(signed, log)
    person, note = signer(signed, policy)
    require_in_force(signed.statement, policy.contamination, now)

Faults tell apart what was tampered with (BadSignature, LogBroken: exit 4) and what does not count, or not any more (NotAllowed).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import attrs

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import BadFile, BadSignature, LogBroken, NotAllowed
from pipeline_dsl.gates.policy import Person, Policy, Terms
from pipeline_dsl.gates.signature import check_whole, sign, verify
from pipeline_dsl.store.log import Entry
from pipeline_dsl.store.manifest import Signed

SKEW = timedelta(minutes=5)
"""How far two machines' clocks may be apart."""


@attrs.frozen(kw_only=True)
class Statement:
    """What each statement says, beside what it is about. Times are UTC, ISO 8601; digests are whole."""

    reviewer: str
    reason: str
    signed: str
    expires: str
    policy: str
    log: str | None
    """The line of the decision log that its signer saw last."""


S = TypeVar("S", bound=Statement)


def terms(person: Person, reason: str, now: datetime, end: datetime, policy: Policy, log: Sequence[Entry]) -> dict[str, Any]:
    """The fields of `Statement`. `log` binds it to all that was decided before: a log that loses that is found out."""
    return {
        "reviewer": person.name,
        "reason": reason,
        "signed": spelled(now),
        "expires": spelled(end),
        "policy": policy.digest,
        "log": log[-1].digest if log else None,
    }


def sign_as(person: Person, statement: Mapping[str, Any], purpose: str, key: Path | None) -> Signed:
    """A statement signed by a person, and not logged yet; `key` as in `signature.sign`.

    Raises: NotAllowed if the key is none of theirs; Usage if there is no key, or no ssh-keygen.
    """
    signature = sign(statement, purpose, key)
    verify(statement, signature, purpose, person)
    return Signed(purpose=purpose, statement=statement, signature=signature, logged="")


def facts(signed: Signed) -> dict[str, Any]:
    """A signed statement as the decision log holds it: whole, so that it is not lost with the file that it was written to."""
    return {"purpose": signed.purpose, "statement": dict(signed.statement), "signature": signed.signature}


def signed_at(entry: Entry) -> Signed:
    """The statement that a line of the decision log holds whole.

    Raises: BadSignature if it holds none.
    """
    try:
        return structure({**entry.facts, "logged": entry.digest}, Signed, what=f"line {entry.number} of the decision log")
    except BadFile as error:
        raise BadSignature(f"line {entry.number} of the decision log holds no signed statement: {error.message}") from error


def read(signed: Signed, kind: type[S], purposes: Collection[str], what: str) -> S:
    """What somebody signed as one of `purposes`; whether it was signed must still be asked. `what` names the kind to people.

    Raises: BadSignature if it is none.
    """
    if signed.purpose not in purposes:
        raise BadSignature(f"what is signed as `{signed.purpose:.60}` is no {what}")
    try:
        found = structure(signed.statement, kind, what="the signed statement")
        for said in (found.signed, found.expires):
            moment(said)
    except (BadFile, ValueError) as error:
        raise BadSignature(f"what is signed is no {what}: {error}") from error
    if not (found.reviewer.isprintable() and found.reason.isprintable()):
        raise BadSignature(f"what is signed is no {what}: its words have characters that cannot be printed")
    return found


def require_logged(signed: Signed, log: Sequence[Entry]) -> None:
    """Make sure that the log has a statement, and still has what its signer saw, and that the signature is whole.

    Raises: BadSignature if it is not the logged one, or not what was signed; LogBroken; Usage if ssh-keygen is not installed.
    """
    place = next((index for index, entry in enumerate(log) if entry.digest == signed.logged), None)
    if place is None:
        raise LogBroken(
            f"the decision log does not have the entry {short(signed.logged)[:40]}, which something signed names",
            help="lines were cut from it, or it is another store's log; `pdsl log` shows what it has",
        )
    if log[place].facts != facts(signed):
        raise BadSignature(f"what is signed is not what line {place + 1} of the decision log has", help="one of the two was edited")
    check_whole(signed.statement, signed.signature, signed.purpose)
    seen = signed.statement.get("log")
    if seen is not None and all(entry.digest != seen for entry in log[:place]):
        raise LogBroken(
            f"the decision log has lost the entry {short(str(seen))}, which the signer of line {place + 1} saw",
            help=f"lines before line {place + 1} were changed or dropped, and the log was written anew",
        )


def signer(signed: Signed, policy: Policy) -> tuple[Person, str]:
    """Who signed, by the policy of now; and what to say if it was another policy when they did, else "".

    Raises: BadSignature if it is forged; NotAllowed if the policy does not know the person, or the key, any more.
    """
    name, under = str(signed.statement.get("reviewer")), str(signed.statement.get("policy"))
    since = (
        f"the policy has changed since it was signed ({short(under)} then, {short(policy.digest)} now)" if under != policy.digest else ""
    )
    person = policy.person(name)
    if person is None:
        raise NotAllowed("; ".join(filter(None, [f"{name} is none of the policy's people", since])))
    try:
        verify(signed.statement, signed.signature, signed.purpose, person)
    except NotAllowed as fault:
        if not since:  # under this very policy, it was never that person's key
            raise BadSignature(f"what {name} is said to have signed is forged: {fault.message}") from fault
        raise NotAllowed(f"{fault.message}; {since}") from fault
    return person, since


def require_in_force(statement: Mapping[str, Any], agreed: Terms, now: datetime) -> None:
    """Make sure that a statement counts at this moment, and was not given more time than the policy allows.

    Raises: NotAllowed; ValueError if its times are none.
    """
    since, until = (str(statement.get(key)) for key in ("signed", "expires"))
    if moment(since) > now + SKEW:
        raise NotAllowed(f"it was signed on {since}, which is still to come")
    if moment(until) - moment(since) > timedelta(days=agreed.days) + SKEW:
        raise NotAllowed(f"it is for longer than the {agreed.days} days that the policy allows")
    if now >= moment(until):
        raise NotAllowed(f"it expired on {until}")


def moment(text: str) -> datetime:
    """A time as a statement spells it.

    Raises: ValueError.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def spelled(when: datetime) -> str:
    """A time as a statement spells it, in UTC, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
