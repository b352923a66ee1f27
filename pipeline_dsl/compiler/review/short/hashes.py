"""Hashes as people write them: whole, cut short, several, or still open."""

import hashlib
import re
from collections.abc import Mapping
from itertools import permutations

from pipeline_dsl.compiler.review.tree import Tree

is_open = re.compile(r"(?:sha256:)?(?:\.\.\.|…|<.*>|TBD|tbd|todo|TODO|pending|unknown)?").fullmatch
"""Whether a text only holds the place of a value."""


def hash_of(tree: Tree | None) -> str | None:
    """The hash that stands there; None if there is none yet."""
    return tree.text if tree is not None and isinstance(tree.value, str) and not is_open(tree.value) else None


def hashes_of(tree: Tree | None) -> list[str]:
    """The hashes that stand there, alone, in a list or in a mapping."""
    if tree is None:
        return []
    found = (tree,) if not isinstance(tree.value, dict | list) else (*tree.items.values(), *tree.members)
    return [digest for item in found if (digest := hash_of(item))]


def combined(digest: str, made: Mapping[str, str]) -> list[str] | None:
    """The stages whose results one hash is of, joined in one of the usual ways."""
    latest = list(made)[-4:]
    for count in (2, 3):
        for some in permutations(latest, count):
            bare = [one.removeprefix("sha256:") for one in some]
            for parts in (some, bare):
                for between in ("", "\n", ":", "|", ",", "+"):
                    if hashlib.sha256(between.join(parts).encode()).hexdigest() == digest.removeprefix("sha256:"):
                        return [made[one] for one in some]
    return None
