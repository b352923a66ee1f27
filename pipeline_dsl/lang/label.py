"""What must be known about data wherever it goes: labels arise at a stage, flow with what is made of it, and are judged where they end."""

import re
from collections.abc import Hashable, Iterator
from typing import Any, Literal, cast

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


KINDS: tuple[str, ...] = ("evaluation", "personal", *TERMS)
"""Every kind of label."""


PARTS = ("split", "part")
"""What a stage calls the field that says which part of a published data set it takes."""


def names_test_part(stage: object) -> bool:
    """Whether a stage's fields say that it takes the test part: `split="test"`, `part="test_sft"`, `split="train+test[:100]"`."""
    said = (getattr(stage, name, None) for name in PARTS)
    return any(isinstance(part, str) and _TEST(part) is not None for part in said)


_TEST = re.compile(r"(^|\+)\s*test(?![a-zA-Z0-9])", re.IGNORECASE).search


def _reads(stage: object) -> bool:
    """Whether a stage's fields hold another one; as little as possible is asked, since most stages say one licence or none."""
    if not (hasattr(stage, "licences") or hasattr(stage, "licenses")):
        return False
    values = [
        item for value in vars(stage).values() for item in (cast("list[object]", value) if type(value) in (list, tuple) else (value,))
    ]
    return any(hasattr(item, "holds_evaluation_data") for item in values)


def declared_labels(stage: object) -> Iterator[Label]:
    """The labels that a stage's own fields declare: `licence` (or `license`, or `licences`) with `terms`, and `personal`."""
    licence, terms = getattr(stage, "licence", None) or getattr(stage, "license", None), getattr(stage, "terms", None)
    if licence is None and not _reads(stage):  # a filter may mean those that it drops
        licence = getattr(stage, "licences", None) or getattr(stage, "licenses", None)
    if terms in TERMS:
        yield Label(terms, licence if isinstance(licence, str) else "")
    elif isinstance(terms, str) and forbids(terms):  # such as `noncommercial`
        yield from (Label(term, terms) for term in sorted(forbids(terms)))
    elif terms != "open":
        for one in cast("tuple[object, ...]", licence) if isinstance(licence, tuple | list) else (licence,):
            if isinstance(one, str):  # a field of that name may be about something else
                for term in sorted(forbids(one)):
                    yield Label(term, one)
    if getattr(stage, "personal", False) is True:
        yield Label("personal")
