"""What a contamination report keeps of each contaminated item, and the figures that follow from it."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Literal

import attrs

from pipeline_dsl.lang.measure import Score

HITS = "hits.jsonl"
"""The report's file with a line for each contaminated item."""


@attrs.frozen(kw_only=True)
class Sighting:
    """Where some of an item is: which line of which file (from 1), its id if it has one, which of its texts, and where in that."""

    data: str
    file: str
    line: int
    id: str | None
    where: str
    start: int
    end: int
    before: str
    text: str
    after: str


@attrs.frozen(kw_only=True)
class Hit:
    """A contaminated item. `digest` names it with what of it was seen: who allows that allows no more of it."""

    set: str
    item: str
    kind: Literal["exact", "ngram"]
    """A whole text of it is there, or a part of one."""
    words: int
    """In the longest run that was seen."""
    of: int
    """Words of the text that the run is in."""
    matched: tuple[tuple[str, ...], ...]
    """Of each of its texts that was seen: the text, and the parts of it that were."""
    seen: tuple[Sighting, ...]
    digest: str


def figures(compared: Mapping[str, int], hits: Collection[Hit]) -> dict[str, Score]:
    """The share of contaminated items by metric, in percent; `compared` counts the items of each set that were looked for."""
    total = sum(compared.values())
    sets = shares(compared, hits)
    return {
        "contamination": Score.share(len(hits), total),
        "contamination_exact": Score.share(sum(hit.kind == "exact" for hit in hits), total),
        "contamination_ngram": Score.share(sum(hit.kind == "ngram" for hit in hits), total),
        "contamination_worst": sets[worst(sets)],
    }


def shares(compared: Mapping[str, int], hits: Collection[Hit]) -> dict[str, Score]:
    """The share of each set, in percent."""
    count = Counter(hit.set for hit in hits)
    return {name: Score.share(count[name], size) for name, size in sorted(compared.items())}


def worst(sets: Mapping[str, Score]) -> str:
    """The set with the largest share; of several the first by name."""
    return max(sorted(sets), key=lambda name: sets[name].value)
