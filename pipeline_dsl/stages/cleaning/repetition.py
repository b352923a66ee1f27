"""Rules against pages that repeat themselves: each a class with its thresholds, and whether a page keeps to them.

Source of rules and default thresholds: Rae et al. (2021), "Scaling Language Models: Methods, Analysis & Insights from
Training Gopher", arXiv:2112.11446, appendix A1.1, "Repetition Removal", table A1. Thresholds are the largest share allowed.
"""

from collections import Counter
from collections.abc import Sequence

import attrs

from pipeline_dsl.stages.cleaning.page import Page


@attrs.frozen(kw_only=True)
class RepeatedLines:
    """Lines that were there before: their share of all lines, and of the characters in lines."""

    lines: float = 0.3
    characters: float = 0.2

    def keeps(self, page: Page) -> bool:
        """Whether both shares are within bounds."""
        return _repeats_within(page.lines, self.lines, self.characters)


@attrs.frozen(kw_only=True)
class RepeatedParagraphs:
    """Paragraphs that were there before: their share of all paragraphs, and of the characters in paragraphs."""

    paragraphs: float = 0.3
    characters: float = 0.2

    def keeps(self, page: Page) -> bool:
        """Whether both shares are within bounds."""
        return _repeats_within(page.paragraphs, self.paragraphs, self.characters)


@attrs.frozen(kw_only=True)
class TopPhrases:
    """The share of characters that lie in the most frequent phrase of two words, of three words and so on."""

    shares: tuple[float, ...] = (0.20, 0.18, 0.16)

    def keeps(self, page: Page) -> bool:
        """Whether no phrase makes up too much of the page."""
        total = sum(map(len, page.words))
        for size, share in enumerate(self.shares, 2):
            phrases = Counter(zip(*(page.words[start:] for start in range(size)), strict=False))
            if not phrases:
                break
            count = max(phrases.values())
            if count > 1 and max(count * sum(map(len, phrase)) for phrase, n in phrases.items() if n == count) > share * total:
                return False
        return True


@attrs.frozen(kw_only=True)
class RepeatedPhrases:
    """The share of characters that lie in any repeated phrase of five words, of six words and so on.

    A character counts once, however many repeated phrases cover it.
    """

    shares: tuple[float, ...] = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)

    def keeps(self, page: Page) -> bool:
        """Whether repeated phrases cover no more than is allowed, at every length."""
        for place, share in enumerate(self.shares):
            covered = covered_by_repeats(page.words, 5 + place)
            if covered > share:
                return False
            if covered <= min(self.shares[place:]):
                return True  # longer phrases cover no more: each holds a shorter one that is repeated as well
        return True


def covered_by_repeats(words: Sequence[str], size: int) -> float:
    """The share of characters in phrases of `size` words that were there before; each character counts once."""
    seen: set[tuple[str, ...]] = set()
    covered = until = 0  # words before `until` are counted already
    for start, phrase in enumerate(zip(*(words[first:] for first in range(size)), strict=False)):
        if phrase in seen:
            begin = max(start, until)
            until = start + size
            covered += sum(map(len, words[begin:until]))
        seen.add(phrase)
    return covered / max(sum(map(len, words)), 1)


def _repeats_within(parts: Sequence[str], share: float, characters: float) -> bool:
    seen: set[str] = set()
    count = length = 0
    for part in parts:
        if part in seen:
            count += 1
            length += len(part)
        seen.add(part)
    return count <= share * len(parts) and length <= characters * sum(map(len, parts))
