"""What texts have in common with a few wanted ones: every stretch of so many words, whatever its case, punctuation and spacing.

A stretch is found where the folded texts (`ml/folding.py`) are the same, and words begin and end at both its ends in both.
Candidates come from hashes (`ml/wanted.py`); they are compared character by character, and what is the same is followed in both
directions. So no collision of hashes is reported, and no stretch is missed.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import attrs
import numpy as np
import numpy.typing as npt

from pipeline_dsl.ml.folding import BREAK, END, Characters, Places, fold, parts_words, places, stands_alone, together
from pipeline_dsl.ml.wanted import Grams, Index, hashes_of, ranges

BLOCK = 2**15
"""Places that are hashed at once: what they need stays in the processor's cache."""
PAIRS = 2**16
"""Candidates that are compared at once."""


@attrs.frozen(eq=False)
class Searched:
    """Texts that are searched together."""

    texts: Sequence[str]
    _placed: dict[int, Places] = attrs.field(init=False, factory=dict[int, Places])

    @cached_property
    def joined(self) -> str:
        """The texts as one."""
        return together(self.texts)

    @cached_property
    def characters(self) -> Characters:
        """Their fold."""
        return fold(self.joined)

    @cached_property
    def _breaks(self) -> Places:
        return np.flatnonzero(self.characters == BREAK)

    def place(self, at: int) -> tuple[int, int]:
        """(number of the text, where in it) that a character of the fold was; of a break, the text behind it and its beginning."""
        text = int(np.searchsorted(self._breaks, at, side="right")) - 1
        first = int(self._breaks[text])
        return text, int(self._places(text)[at - first - 1]) if at > first else 0

    def divided(self, at: int) -> bool:
        """Whether one word ends, or another begins, in front of a place of the fold."""
        if not 0 < at < len(self.characters):
            return True
        pair = self.characters[at - 1 : at + 1]
        if BREAK in pair or stands_alone(pair).any():
            return True
        (text, before), (_, behind) = self.place(at - 1), self.place(at)
        return parts_words(self.texts[text][before + 1 : behind])

    def _places(self, text: int) -> Places:
        """Only needed where something is found, so of one text at a time."""
        if text not in self._placed:
            self._placed[text] = places(self.texts[text].replace(END, " "))
        return self._placed[text]


@attrs.frozen
class Stretch:
    """What a searched text has of a wanted one: the number of the wanted text, which of its words (from, to), and where in the
    searched fold (from, to)."""

    wanted: int
    words: tuple[int, int]
    place: tuple[int, int]


class Settled:
    """The wanted texts of which enough has been seen: for each the widest stretch, in places of the index.

    A phrase that thousands of wanted texts share may be in each searched text: what shows no more of them is passed over.
    """

    def __init__(self, texts: int) -> None:
        self._low = np.zeros(texts, np.int64)
        self._high = np.zeros(texts, np.int64)
        self._any = False

    def settle(self, text: int, low: int, high: int) -> None:
        """Enough is known of a text but for what is wider than from `low` to `high`."""
        self._any = True
        if high - low > self._high[text] - self._low[text]:
            self._low[text], self._high[text] = low, high

    def open(self, index: Index, characters: Characters, here: Places, there: Places) -> "Places | slice":
        """Which candidates might show something more."""
        if not self._any:
            return slice(None)
        text = np.searchsorted(index.bounds, there, side="right") - 1
        low, high = self._low[text], self._high[text]
        wider = np.ones(len(there), np.bool_)
        known = np.flatnonzero((low <= there) & (there < high))
        low, high, text, shift = low[known], high[known], text[known], (here - there)[known]
        wider[known] = _alike(index, characters, high, shift, high < index.bounds[text + 1])
        wider[known] |= _alike(index, characters, low - 1, shift, low > index.bounds[text])
        return np.flatnonzero(wider)


def _alike(index: Index, characters: Characters, there: Places, shift: Places, inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether the characters at places that are `inside` their wanted text are those of the searched fold."""
    here = there + shift
    both = inside & (here >= 0) & (here < len(characters))
    return both & (characters[np.where(both, here, 0)] == index.characters[np.where(both, there, 0)])


def stretches(index: Index, searched: Searched, settled: Settled | None = None) -> Iterator[Stretch]:
    """Every longest stretch of a wanted text, of at least as many words as it takes, in what is searched; in its order.

    Those that show nothing more of a settled text may be left out.
    """
    reached: dict[tuple[int, int], int] = {}
    for here, there in _candidates(index, searched.characters, settled or Settled(len(index.least))):
        texts = np.searchsorted(index.bounds, there, side="right") - 1
        for at, place, text in zip(here.tolist(), there.tolist(), texts.tolist(), strict=True):
            if reached.get((text, at - place), -1) > at:
                continue
            back, on = _followed(index, searched.characters, at, place, text)
            reached[text, at - place] = at + on
            found = _trimmed(index, searched, text, (place - back, place + on), at - place)
            if found:
                yield found


def _candidates(index: Index, characters: Characters, settled: Settled) -> Iterator[tuple[Places, Places]]:
    """(place in the searched fold, place in the wanted texts) of grams that are the same, in the order of the searched fold."""
    sizes = tuple(index.grams)
    for begin in range(0, len(characters), BLOCK) if sizes else ():
        block = characters[begin : begin + BLOCK + max(sizes) - 1]
        found: list[tuple[Places, Places]] = []
        for size, hashes in hashes_of(block, sizes):
            grams = index.grams[size]
            here, which = grams.among(hashes[:BLOCK])
            if len(here):
                found.extend(_compared(index, characters, here + begin, which, grams, size, settled))
        if found:
            here, there = (np.concatenate(part) for part in zip(*found, strict=True))
            order = np.lexsort((there, here))
            yield here[order], there[order]


def _compared(
    index: Index, characters: Characters, here: Places, which: Places, grams: Grams, size: int, settled: Settled
) -> Iterator[tuple[Places, Places]]:
    """Of places whose hashes are the same, those with the same characters; some at a time, however often a gram is wanted."""
    counts = grams.first[which + 1] - grams.first[which]
    total = np.cumsum(counts)
    step = np.arange(size)
    for part in np.split(np.arange(len(here)), np.searchsorted(total, np.arange(PAIRS, int(total[-1]), PAIRS))):
        at = np.repeat(here[part], counts[part])
        place = grams.places[ranges(grams.first[which[part]], counts[part])]
        open = settled.open(index, characters, at, place)
        at, place = at[open], place[open]
        for some in range(0, len(at), PAIRS):
            a, p = at[some : some + PAIRS], place[some : some + PAIRS]
            same = (characters[a[:, None] + step] == index.characters[p[:, None] + step]).all(axis=1)
            if same.any():
                yield a[same], p[same]


def _followed(index: Index, characters: Characters, at: int, place: int, text: int) -> tuple[int, int]:
    """How many characters are the same in front of two places, and from there on."""
    low, high = int(index.bounds[text]), int(index.bounds[text + 1])
    back = min(at, place - low)
    on = min(len(characters) - at, high - place)
    before = _same(characters[at - back : at][::-1], index.characters[place - back : place][::-1])
    return before, _same(characters[at : at + on], index.characters[place : place + on])


def _same(one: Characters, other: Characters) -> int:
    """At how many places two arrays are the same before they first differ."""
    differ = one != other
    first = int(differ.argmax()) if len(differ) else 0
    return first if len(differ) and differ[first] else len(differ)


def _trimmed(index: Index, searched: Searched, text: int, span: tuple[int, int], shift: int) -> Stretch | None:
    """The words of a span of a wanted text that are words in the searched text too, if they are enough.

    `shift` leads from the wanted texts to the searched fold.
    """
    low, high = int(index.words[text]), int(index.words[text + 1])
    starts = index.starts[low:high]
    ends = np.append(starts[1:], index.bounds[text + 1])
    first, last = int(np.searchsorted(starts, span[0])), int(np.searchsorted(ends, span[1], side="right"))
    least = int(index.least[text])
    while last - first >= least and not searched.divided(int(starts[first]) + shift):
        first += 1
    while last - first >= least and not searched.divided(int(ends[last - 1]) + shift):
        last -= 1
    if last - first < least:
        return None
    return Stretch(text, (first, last), (int(starts[first]) + shift, int(ends[last - 1]) + shift))
