"""What must be known about data wherever it goes: labels arise at a stage, flow with what is made of it, and are judged where they end."""

from collections.abc import Hashable, Iterator
from typing import Any, Literal

import attrs

from pipeline_dsl.lang.licence import Term, forbids

Kind = Literal["evaluation", "personal"] | Term
"""`evaluation`: kept for measuring, nothing may learn from it. `personal`: tells about people, and they have not been removed.
The others are what a licence forbids."""

Terms = Literal["open", "non-commercial", "no-derivatives", "no-competing"]
"""What a team says of a licence that it has read: `open` forbids nothing that is followed here."""

TERMS: tuple[Term, ...] = ("non-commercial", "no-derivatives", "no-competing", "unknown")


@attrs.frozen
class Label:
    """One thing that is to be known about an artifact: a kind, and what was said of it, such as the licence."""

    kind: Kind
    said: str = ""


@attrs.frozen
class Division:
    """The part that a stage takes of a whole which other stages take other parts of.

    Two parts of one `whole` are disjoint only if they are divided by the same `rule` (the shares, the seed or salt).
    """

    whole: Any
    """The stage that makes the whole."""
    part: str
    """`train` is learnt from; any other part is kept for measuring."""
    rule: Hashable


def declared_labels(stage: object) -> Iterator[Label]:
    """The labels that a stage's own fields declare: `licence` (or `license`) with `terms`, and `personal`."""
    licence, terms = getattr(stage, "licence", None) or getattr(stage, "license", None), getattr(stage, "terms", None)
    if terms in TERMS:
        yield Label(terms, licence if isinstance(licence, str) else "")
    elif isinstance(licence, str) and terms != "open":  # a field of that name may be about something else
        for term in sorted(forbids(licence)):
            yield Label(term, licence)
    if getattr(stage, "personal", False) is True:
        yield Label("personal")
