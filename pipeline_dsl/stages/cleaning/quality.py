"""Rules by which a page is prose: each a class with its thresholds, and whether a page keeps to them.

Source of rules and default thresholds: Rae et al. (2021), "Scaling Language Models: Methods, Analysis & Insights from
Training Gopher", arXiv:2112.11446, appendix A1.1, "Quality Filtering".
"""

import attrs

from pipeline_dsl.stages.cleaning.page import Page

_BULLETS = ("•", "‣", "▪", "●", "○", "◦", "-", "*", "–", "·")


@attrs.frozen(kw_only=True)
class Words:
    """From `low` to `high` words."""

    low: int = 50
    high: int = 100_000

    def keeps(self, page: Page) -> bool:
        """Whether the page is neither too short nor too long."""
        return self.low <= len(page.words) <= self.high


@attrs.frozen(kw_only=True)
class WordLength:
    """Words of `low` to `high` characters on average."""

    low: float = 3
    high: float = 10

    def keeps(self, page: Page) -> bool:
        """Whether the mean length of a word is in the range."""
        return bool(page.words) and self.low <= sum(map(len, page.words)) / len(page.words) <= self.high


@attrs.frozen(kw_only=True)
class Symbols:
    """Less than `high` hash signs a word, and less than `high` ellipses a word."""

    high: float = 0.1

    def keeps(self, page: Page) -> bool:
        """Whether neither symbol is more frequent than that."""
        ellipses = page.text.count("...") + page.text.count("…")
        return max(page.text.count("#"), ellipses) < self.high * max(len(page.words), 1)


@attrs.frozen(kw_only=True)
class Bullets:
    """At most a share `high` of lines that begin with a bullet."""

    high: float = 0.9

    def keeps(self, page: Page) -> bool:
        """Whether the page is more than a list."""
        return sum(line.startswith(_BULLETS) for line in page.lines) <= self.high * len(page.lines)


@attrs.frozen(kw_only=True)
class Ellipses:
    """At most a share `high` of lines that end with an ellipsis."""

    high: float = 0.3

    def keeps(self, page: Page) -> bool:
        """Whether the page is more than beginnings of other pages."""
        return sum(line.endswith(("...", "…")) for line in page.lines) <= self.high * len(page.lines)


@attrs.frozen(kw_only=True)
class Letters:
    """At least a share `low` of words that hold a letter."""

    low: float = 0.8

    def keeps(self, page: Page) -> bool:
        """Whether the page is more than numbers."""
        return sum(any(map(str.isalpha, word)) for word in page.words) >= self.low * len(page.words)


@attrs.frozen(kw_only=True)
class StopWords:
    """At least `low` of the words that every English text has, counted once each."""

    low: int = 2
    words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")

    def keeps(self, page: Page) -> bool:
        """Whether the page is connected prose."""
        wanted = set(self.words)
        found: set[str] = set()
        for word in page.words:
            if word.lower() in wanted:
                found.add(word.lower())
                if len(found) >= self.low:
                    return True
        return self.low <= 0
