"""A reward that a program gives: an answer is right, or it is not."""

import re
from decimal import Decimal, InvalidOperation

import attrs


@attrs.frozen(kw_only=True)
class Verify:
    """Rewards an answer with `weight` if what `pattern` finds last in it is the exercise's own answer.

    The pattern's group is taken, if it has one. Both sides are trimmed and compared without regard to case; as numbers, where
    both are numbers: `1,000.0` is `1000`. Source: verifiable rewards as in Lambert et al. (2024), arXiv:2411.15124, section 6.
    """

    pattern: str = r"(?s)(.+)"
    """A regular expression of Python; the default takes the whole answer. The last number is `r"(-?[\\d,]*\\.?\\d+)"`."""
    weight: float = 1.0

    def problems(self) -> list[str]:
        """What keeps this from judging anything."""
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            return [f"pattern is no regular expression: {error}"]
        found = [f"pattern has {groups} groups, and one is compared"] if groups > 1 else []
        if self.weight <= 0:
            found.append(f"weight = {self.weight:g} rewards no right answer")
        return found

    def reward(self, said: str, answer: str) -> float:
        """`weight` if `said` gives `answer`, otherwise 0."""
        found = re.findall(self.pattern, said)
        return self.weight if found and _plain(found[-1]) == _plain(answer) else 0.0


def _plain(text: str) -> str | Decimal:
    trimmed = text.strip().casefold()
    try:
        number = Decimal(trimmed.replace(",", ""))
    except InvalidOperation:
        return trimmed
    return number if number.is_finite() else trimmed
