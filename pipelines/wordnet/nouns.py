"""The nouns of WordNet: a word, its gloss, what kind of thing it is, and which part of the data it belongs to.

Every kind of data in this example is made from these nouns, and a noun's part is a function of the noun alone: a word that is
tested on is in no text, conversation or preference that anything learns from.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import attrs

T = TypeVar("T")
Part = Literal["train", "dev", "test"]
"""Learnt from; tuned on; measured on once."""

KINDS = {4: "action", 5: "animal", 6: "object", 13: "food", 18: "person", 20: "plant", 26: "state"}
"""Lexicographer file of WordNet (lexnames(5WN)) -> the answer to "what kind of thing is this?"."""

_HARMFUL = {
    **dict.fromkeys(("weapon", "weaponry", "explosive", "explosive device", "ammunition", "missile"), 6),
    **dict.fromkeys(("narcotic", "hallucinogen", "controlled substance"), 6),
    "poison": 27,
    "toxin": 27,
    "poison gas": 27,
    "disease": 26,
}
_HARMLESS = {"dish": 13, "baked goods": 13, "beverage": 13, "foodstuff": 13}
"""Word -> lexicographer file: ammunition is also an argument, and a dish an antenna. What is below them is meant."""


@attrs.frozen
class Noun:
    """One sense of a word. `kind` is None outside of `KINDS`, `harmful` None if a request for it is neither."""

    word: str
    gloss: str
    kind: str | None
    harmful: bool | None


def lot(key: str) -> float:
    """A number in [0, 1) drawn from the text alone: the same on every machine and in every version."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48


def part_of(key: str) -> Part:
    """Sixty percent train, fifteen dev, twenty-five test.

    The text in front of the key is the lot's salt. Another one draws other parts: what has been looked at while something was
    tuned is no longer a test.
    """
    share = lot("second part " + key)
    return "train" if share < 0.6 else "dev" if share < 0.75 else "test"


def half(nouns: Iterable[Noun], which: Literal[0, 1]) -> list[Noun]:
    """One half of the nouns: what one stage learns from, another does not see."""
    return [noun for noun in nouns if int(2 * lot("half " + noun.word)) == which]


def at_most(count: int, nouns: Iterable[Noun]) -> list[Noun]:
    """The first `count` nouns of each kind; those of none of `KINDS` are left out."""
    taken: Counter[str] = Counter()
    found: list[Noun] = []
    for noun in nouns:
        if noun.kind is not None and taken[noun.kind] < count:
            taken[noun.kind] += 1
            found.append(noun)
    return found


def shuffled(items: Iterable[T], key: Callable[[T], str]) -> list[T]:
    """The items in an order drawn from their own text."""
    return sorted(items, key=lambda item: lot("order " + key(item)))


def nouns(source: Path, part: Part) -> list[Noun]:
    """The nouns of one part, in an order that is random with regard to their meaning.

    A word with several senses counts once, in the harmful one if there is one; of synonyms the first word is taken. So no gloss
    is in two parts.
    Raises: FileNotFoundError if `source` does not hold WordNet.
    """
    return [noun for noun in _all(source) if part_of(noun.word) == part]


@cache
def _all(source: Path) -> list[Noun]:
    file = next(source.rglob("data.noun"), None)
    if file is None:
        raise FileNotFoundError(f"no `data.noun` in {source}: the source is not WordNet")
    synsets = {synset.offset: synset for synset in _synsets(file)}
    harmful, harmless = (_under(synsets, roots) for roots in (_HARMFUL, _HARMLESS))
    times = Counter(synset.gloss for synset in synsets.values())
    found: dict[str, Noun] = {}
    for synset in sorted(synsets.values(), key=lambda synset: synset.offset not in harmful):
        sound = synset.general and times[synset.gloss] == 1 and re.fullmatch(r"[A-Za-z][A-Za-z' -]{2,24}", synset.word)
        if sound and 15 < len(synset.gloss) < 110:
            danger = True if synset.offset in harmful else False if synset.offset in harmless else None
            found.setdefault(synset.word.lower(), Noun(synset.word, synset.gloss, KINDS.get(synset.file), danger))
    return shuffled(found.values(), key=lambda noun: noun.word)


@attrs.frozen
class _Synset:
    offset: str
    file: int
    word: str
    gloss: str
    parents: tuple[str, ...]
    general: bool
    """A kind of thing, not one thing with a name."""


def _synsets(file: Path) -> Iterator[_Synset]:
    """Source: wndb(5WN), "offset file type count word lex_id [word lex_id...] count [pointer offset pos place...] | gloss"."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        record, text = line.split(" | ", 1)
        fields = record.split()
        pointers = fields[5 + 2 * int(fields[3], 16) :]
        above = [(mark, offset) for mark, offset in zip(pointers[::4], pointers[1::4], strict=False) if mark in ("@", "@i")]
        gloss = re.sub(r"\([^)]*\)", " ", text.split('; "')[0]).split(";")[0]
        yield _Synset(
            offset=fields[0],
            file=int(fields[1]),
            word=fields[4].replace("_", " "),
            gloss=" ".join(gloss.split()).rstrip(" :,."),
            parents=tuple(offset for _, offset in above),
            general=bool(above) and all(mark == "@" for mark, _ in above),
        )


def _under(synsets: dict[str, _Synset], roots: Mapping[str, int]) -> set[str]:
    """Offsets of the roots and of everything below them."""
    wanted = {synset.offset for synset in synsets.values() if roots.get(synset.word) == synset.file}
    below: dict[str, list[str]] = {}
    for synset in synsets.values():
        for parent in synset.parents:
            below.setdefault(parent, []).append(synset.offset)
    found: set[str] = set()
    queue = list(wanted)
    while queue:
        offset = queue.pop()
        if offset not in found:
            found.add(offset)
            queue.extend(below.get(offset, ()))
    return found
