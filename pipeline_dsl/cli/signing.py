"""What every command that signs asks for: who, why, until when, and with which key."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import NotAllowed, Usage
from pipeline_dsl.gates.policy import Person, Policy, Terms
from pipeline_dsl.gates.statement import moment, spelled

ReviewerOption = Annotated[str, typer.Option("--reviewer", help="Who signs: a name or an e-mail address of the policy.")]
ExpiresOption = Annotated[
    str | None,
    typer.Option("--expires", help="When it ends: 30d, 12h, or a date (UTC).", show_default="30d, or what the policy allows"),
]
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="The SSH key to sign with; without one, git's user.signingkey, or ~/.ssh/id_ed25519.")
]

USUAL = 30
"""Days that a signature counts, where nobody says and the policy allows it."""


def signer(policy: Policy, reviewer: str) -> Person:
    """Who signs.

    Raises: NotAllowed if the policy does not know them.
    """
    person = policy.person(reviewer)
    if person is None:
        names = ", ".join(person.name for person in policy.people) or "none"
        raise NotAllowed(f"{reviewer} is none of the policy's people", help=f"the people of the policy: {names}")
    return person


def why(text: str) -> str:
    """A reason as it is kept: words, and nothing that would command a terminal.

    Raises: Usage.
    """
    if not text.strip():
        raise Usage("a signature needs a reason", help="say why: --reason TEXT")
    if len(text) > 2000 or not text.isprintable():
        raise Usage("a reason is at most 2000 characters, on one line")
    return text.strip()


def end(text: str | None, agreed: Terms, now: datetime) -> datetime:
    """When what is signed ends. A date ends with its day, UTC.

    Raises: Usage.
    """
    if text is None:
        return now + timedelta(days=min(USUAL, agreed.days))
    found = re.fullmatch(r"([1-9]\d{0,3})([hdw])", text.strip())
    if found:
        hours = int(found[1]) * {"h": 1, "d": 24, "w": 168}[found[2]]
        return now + timedelta(hours=hours)
    said = text.strip()
    try:
        when = datetime.fromisoformat(said)
        if "T" not in said and " " not in said:
            when += timedelta(days=1)
        return moment(spelled(when if when.tzinfo else when.replace(tzinfo=UTC)))
    except (ValueError, OverflowError) as error:
        raise Usage(f"`{text}` is no time", help="say 30d, 12h, 2w, or a date such as 2027-01-31") from error
