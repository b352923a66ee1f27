"""Personal data in text, found by patterns, confirmed by checksums and replaced by what kind of thing it was.

Patterns find what has a form of its own. Names and street addresses have none, and stay.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from pipeline_dsl.stages.cleaning import checksums

Personal = Literal["email", "iban", "card", "ssn", "phone", "ipv6", "ipv4"]
"""A kind of personal data. Earlier ones are replaced first, since what is left of one could look like another."""

KINDS: tuple[Personal, ...] = ("email", "iban", "card", "ssn", "phone", "ipv6", "ipv4")

_FORMS: dict[Personal, str] = {
    # RFC 5322, the dot-atom form that mail providers give out.
    "email": r"(?<![\w.+-])[A-Za-z0-9][\w.%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w@])",
    "iban": r"(?<![\w])[A-Za-z]{2}\d{2}(?:[ ]?[A-Za-z0-9]{4}){2,7}(?:[ ]?[A-Za-z0-9]{1,4})?(?!\w)",
    "card": r"(?<![\w.,-])\d(?:[ -]?\d){12,18}(?![\w-])(?!\.\d)",
    "ssn": r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
    # E.164 with its plus sign, or the North American plan, whose area and exchange codes begin with 2 to 9.
    "phone": r"(?<![\w+.-])(?:"
    r"\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}|"
    r"(?:1[ .-])?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}"
    r")(?![\w-])",
    "ipv6": r"(?<![\w:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])",
    "ipv4": r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w])(?!\.\d)",
}

_CONFIRM: dict[Personal, Callable[[str], bool]] = {
    "iban": checksums.iban,
    "card": checksums.card,
    "ssn": checksums.social_security,
    "phone": checksums.phone,
    "ipv6": checksums.address,
    "ipv4": checksums.address,
}

_HINTS: dict[Personal, str] = {"email": "@", "ipv6": ":", "ipv4": ".", "ssn": "-"}
"""A character without which a kind cannot be there: looking for it is much faster than looking for the form."""


@cache
def _form(kind: Personal) -> re.Pattern[str]:
    return re.compile(_FORMS[kind], re.ASCII)


def redact(text: str, kinds: Sequence[Personal] = KINDS) -> tuple[str, Counter[str]]:
    """`text` with each piece of personal data as `[EMAIL]`, `[CARD]` and so on, and how many of each kind there were."""
    counts: Counter[str] = Counter()
    for kind in KINDS:
        if kind in kinds and _HINTS.get(kind, "") in text:
            text = _form(kind).sub(lambda match, kind=kind: _replacement(match[0], kind, counts), text)
    return text, counts


def _replacement(found: str, kind: Personal, counts: Counter[str]) -> str:
    confirm = _CONFIRM.get(kind)
    if confirm and not confirm(found):
        return found
    counts[kind] += 1
    return f"[{kind.upper()}]"
