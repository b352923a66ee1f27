"""An index of texts to look for: of every run of so many words, one gram to find it by.

Of each run one gram of 32 characters (16 or 8 of a shorter run) is remembered, the one that fewest runs have, so that common
phrases cost little. The grams of a long text are hashed with numpy, all at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from pipeline_dsl.ml.folding import BREAK, Characters, Places, fold, places, spaces, stands_alone, together

SIZES = (32, 16, 8)
"""Characters of a gram, the longest that fits first."""

_MULTIPLIERS = {1: 0x01000193, 2: 0x9E3779B1, 4: 0x85EBCA6B, 8: 0xC2B2AE35, 16: 0x27D4EB2F}
_MIX = np.uint32(0x9E3779B9)

Hashes = npt.NDArray[np.uint32]


@attrs.frozen(eq=False)
class Words:
    """A folded text and where in it words begin: after a blank, and at each character of a script that has none."""

    characters: Characters
    starts: Places

    @classmethod
    def of(cls, texts: Sequence[str]) -> list["Words"]:
        """The words of each of some texts."""
        joined = together(texts)
        characters = fold(joined)
        number = np.cumsum(spaces(joined))[places(joined)]
        alone = stands_alone(characters) | (characters == BREAK)
        begins = np.ones(len(characters), np.bool_)
        begins[1:] = (number[1:] != number[:-1]) | alone[1:] | alone[:-1]
        starts, breaks = np.flatnonzero(begins), np.flatnonzero(characters == BREAK)
        first = np.searchsorted(starts, breaks) + 1
        spans = zip((breaks[:-1] + 1).tolist(), breaks[1:].tolist(), first[:-1].tolist(), (first[1:] - 1).tolist(), strict=True)
        return [cls(characters[low:high], starts[begin:end] - low) for low, high, begin, end in spans]

    @property
    def alone(self) -> "Words":
        """The same, as nothing but a whole text: with its two ends, which count as words."""
        ended = np.concatenate([[BREAK], self.characters, [BREAK]]).astype(np.uint32)
        return Words(ended, np.concatenate([[0], self.starts + 1, [len(ended) - 1]]))

    def __len__(self) -> int:
        return len(self.starts)


@attrs.frozen(eq=False)
class Wanted:
    """What is looked for: any `least` words in a row of `words`. So many words have at least 8 characters."""

    words: Words
    least: int


@attrs.frozen(eq=False)
class Grams:
    """The remembered grams of one size: their hashes, sorted, and where in the wanted texts each of them stands."""

    hashes: Hashes
    first: Places
    """The first of a hash's places; one more than there are hashes."""
    places: Places
    filter: npt.NDArray[np.bool_]
    """For the upper bits of every mixed hash, whether one of `hashes` has them."""
    shift: np.uint32

    @classmethod
    def of(cls, hashes: Hashes, chosen: Places) -> "Grams":
        """The grams at the chosen places of the wanted texts; `hashes` has the hash at every place."""
        order = np.argsort(hashes[chosen], kind="stable")
        known, first = np.unique(hashes[chosen[order]], return_index=True)
        bits = min(max(len(known).bit_length() + 6, 16), 26)
        shift = np.uint32(32 - bits)
        filter = np.zeros(2**bits, np.bool_)
        filter[(known * _MIX) >> shift] = True
        return cls(known, np.append(first, len(chosen)).astype(np.int64), chosen[order], filter, shift)

    def among(self, hashes: Hashes) -> tuple[Places, Places]:
        """(which of `hashes` are remembered, which of the remembered they are)."""
        maybe = np.flatnonzero(self.filter.take(((hashes * _MIX) >> self.shift).astype(np.int64), mode="wrap"))
        which = np.minimum(np.searchsorted(self.hashes, hashes[maybe]), len(self.hashes) - 1)
        same = self.hashes[which] == hashes[maybe]
        return maybe[same], which[same]


@attrs.frozen(eq=False)
class Index:
    """Wanted texts, one after the other, and the grams to find them by."""

    characters: Characters
    bounds: Places
    """Where each text begins; one more than there are texts."""
    starts: Places
    """Where each word begins."""
    words: Places
    """The first word of each text; one more than there are texts."""
    least: Places
    grams: Mapping[int, Grams]

    @classmethod
    def of(cls, wanted: Sequence[Wanted]) -> "Index":
        """The index of some texts, of at least one."""
        bounds = _cumulated(len(text.words.characters) for text in wanted)
        characters = np.concatenate([text.words.characters for text in wanted])
        starts = np.concatenate([text.words.starts + begin for text, begin in zip(wanted, bounds[:-1].tolist(), strict=True)])
        words = _cumulated(len(text.words) for text in wanted)
        least = np.array([text.least for text in wanted], np.int64)
        return cls(characters, bounds, starts, words, least, _chosen(characters, _Runs.of(bounds, starts, words, least)))


@attrs.frozen(eq=False)
class _Runs:
    """Every run of as many words as it takes: the places where its words begin, and its end."""

    starts: Places
    first: Places
    count: Places
    until: Places

    @classmethod
    def of(cls, bounds: Places, starts: Places, words: Places, least: Places) -> "_Runs":
        runs = np.maximum(np.diff(words) - least + 1, 0)
        first, count = ranges(words[:-1], runs), np.repeat(least, runs)
        ends = np.append(starts[1:], bounds[-1])
        return cls(starts, first, count, ends[first + count - 1])

    def of_length(self, low: int, high: int | None) -> "_Runs":
        """Those of so many characters."""
        length = self.until - self.starts[self.first]
        mine = np.flatnonzero((length >= low) & (length < high if high else True))
        return _Runs(self.starts, self.first[mine], self.count[mine], self.until[mine])


def _chosen(characters: Characters, runs: _Runs) -> dict[int, Grams]:
    """The grams to remember, by size."""
    found: dict[int, Grams] = {}
    for size, above in zip(SIZES, (None, *SIZES), strict=False):
        mine = runs.of_length(size, above)
        if len(mine.first):
            hashes = dict(hashes_of(characters, (size,)))[size]
            found[size] = Grams.of(hashes, _rarest(hashes, mine, size))
    return found


def _rarest(hashes: Hashes, runs: _Runs, size: int) -> Places:
    """Of each run the place of the gram that fewest words begin with; of equally rare ones the same in all runs."""
    rank = _ranks(hashes, runs.starts)
    best = np.full(len(runs.first), np.iinfo(np.uint64).max, np.uint64)
    chosen = np.zeros(len(runs.first), np.int64)
    for step in range(int(runs.count.max())):
        here = np.flatnonzero(step < runs.count)
        word = runs.first[here] + step
        better = (runs.starts[word] + size <= runs.until[here]) & (rank[word] < best[here])
        here, word = here[better], word[better]
        best[here], chosen[here] = rank[word], runs.starts[word]
    return np.unique(chosen)


def _ranks(hashes: Hashes, starts: Places) -> npt.NDArray[np.uint64]:
    """For the gram that each word begins with, how many words do, then its hash; as the last those that go over the end."""
    begin = starts[starts < len(hashes)]
    _, kind, times = np.unique(hashes[begin], return_inverse=True, return_counts=True)
    rank = np.full(len(starts), np.iinfo(np.uint64).max, np.uint64)
    rank[: len(begin)] = (times[kind].astype(np.uint64) << np.uint64(32)) | (hashes[begin] * _MIX)
    return rank


def hashes_of(characters: Characters, sizes: Sequence[int]) -> Iterator[tuple[int, Hashes]]:
    """(size, hash of the gram that begins at each place) for each of `sizes`, the smallest first.

    A gram's hash is that of its two halves, weighted: each doubling takes two operations a place.
    """
    hashes, size = characters * np.uint32(0xB5297A4D), 1
    while len(hashes):
        if size in sizes:
            yield size, hashes
        if size >= max(sizes):
            return
        hashes = hashes[:-size] * np.uint32(_MULTIPLIERS[size]) + hashes[size:]
        size *= 2


def ranges(first: Places, counts: Places) -> Places:
    """`first[0], first[0] + 1, ...`, as many as counted, then those of the next."""
    return np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))


def _cumulated(sizes: Iterable[int]) -> Places:
    return np.concatenate([[0], np.cumsum(np.fromiter(sizes, np.int64))])
