"""What a licence forbids to those who build a model on what it covers, as far as its identifier says.

A model's outputs and its weights carry whatever its data and its parents forbid; whether a court would say so is open, and
that is why a team wants to know. Share-alike terms bind those who publish the data itself, so they are not followed here.
"""

import re
from functools import cache
from typing import Literal

Term = Literal["non-commercial", "no-derivatives", "no-competing", "unknown"]
"""What may not be done: earn money with it; change it, or make something else of it; train models that compete with its
maker's. `unknown` is a licence that nobody has read."""

_TOKEN = r"\(|\)|[^\s()]+"
_OWN = r"(^|-)(ours|own|internal|in-?house|first-?party)(-|$)"
_OPEN = r"^(meta-)?llama-?[234]|^(gemma|falcon|qwen-license|tongyi-?qianwen|deepseek|yi-license|bigscience|openrail|wordnet)"
"""Licences without an SPDX identifier that let a business use what they cover (up to hundreds of millions of users a month)."""
_RESEARCH = r"^(llama-?1|llama$|llama-(license|bespoke)|opt(-|$)|amlr|apple-amlr|apple-ascl-research|mrl(-|$)|mnpl(-|$)|msr-?la)"
"""Model licences for research alone: LLaMA 1, OPT-175B, Apple's AMLR, Mistral's MRL and MNPL, Microsoft's MSR-LA."""
_NON_COMMERCIAL = r"(^|[^a-z])(nc|non-?commercial|non-?production|research|academic-?(only|use)|evaluation-only)([^a-z]|$)"
_NO_DERIVATIVES = r"(^|[^a-z])(nd|no-?deriv(ative)?s?)([^a-z]|$)"
_NO_COMPETING = r"^(openai|chatgpt|gpt-?[34]|anthropic|claude|gemini|google-ai)(-|$)|no-?compet"
_NAMED: dict[str, Term] = {
    "aladdin": "non-commercial",
    "busl-1.1": "non-commercial",
    "ncgl-uk-2.0": "non-commercial",
    "prosperity-3.0.0": "non-commercial",
    "none": "unknown",
    "noassertion": "unknown",
}
"""SPDX identifiers that do not tell it by their spelling."""


@cache
def forbids(expression: str) -> frozenset[Term]:
    """What an SPDX expression forbids: all that its parts do under AND, what the freest part does under OR.

    A text that is no expression is read as one identifier. Source: SPDX specification 2.3, annex D.
    """
    tokens = re.findall(_TOKEN, expression)
    try:
        found, rest = _either(tokens)
    except IndexError:
        rest, found = tokens, frozenset[Term]()
    return _of(re.sub(r"\s+", "-", expression.strip())) if rest else found


def _either(tokens: list[str]) -> tuple[frozenset[Term], list[str]]:
    found, rest = _all(tokens)
    while rest and rest[0].upper() == "OR":
        other, rest = _all(rest[1:])
        found = min(found, other, key=lambda terms: (len(terms), sorted(terms)))
    return found, rest


def _all(tokens: list[str]) -> tuple[frozenset[Term], list[str]]:
    found, rest = _one(tokens)
    while rest and rest[0].upper() == "AND":
        other, rest = _one(rest[1:])
        found |= other
    return found, rest


def _one(tokens: list[str]) -> tuple[frozenset[Term], list[str]]:
    if tokens[0] == "(":
        found, rest = _either(tokens[1:])
        return found, rest[1:] if rest[0] == ")" else [*rest, ")"]
    rest = tokens[1:]
    return _of(tokens[0]), rest[2:] if rest and rest[0].upper() == "WITH" else rest  # an exception only allows more


def _of(identifier: str) -> frozenset[Term]:
    name = identifier.lower().rstrip("+")
    if name in _NAMED:
        return frozenset({_NAMED[name]})
    reference = name.startswith("licenseref-")
    bare = name.removeprefix("licenseref-").replace("_", "-")
    found: set[Term] = set()
    if re.search(_NON_COMMERCIAL, bare) or re.search(_RESEARCH, bare):
        found.add("non-commercial")
    if re.search(_NO_DERIVATIVES, bare):
        found.add("no-derivatives")
    if re.search(_NO_COMPETING, bare):
        found.add("no-competing")
    if not found and reference and not re.search(_OWN, bare) and not re.search(_OPEN, bare):
        found.add("unknown")
    return frozenset(found)
