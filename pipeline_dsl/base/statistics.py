"""What a mean over few examples can show."""

import math

Z = 1.959964
"""Two-sided 95%: the quantile of the normal distribution."""

CONFIDENCE = 0.95

CORRELATION = 0.5
"""Between the answers of two models to the same questions, where nobody has measured it. Miller (2024), arXiv:2411.00640, section
4.2, finds 0.3 to 0.7 between models of like strength."""

_POWER = 0.841621
"""The quantile of the normal distribution for 80% power."""


def share_error(share: float, examples: int) -> float:
    """The standard error of a share of `examples`, as a fraction. Binomial."""
    return math.sqrt(share * (1 - share) / examples)


def difference_error(share: float, examples: int, other: int | None = None) -> float:
    """The standard error of the difference of two shares near `share`, as a fraction.

    Paired with a correlation of `CORRELATION` where both were asked the same examples; of two samples where `other` says how
    many the second was asked. Source: Miller (2024), arXiv:2411.00640, equations 6 and 7.
    """
    if other is None:
        return math.sqrt(2 * (1 - CORRELATION) * share * (1 - share) / examples)
    return math.hypot(share_error(share, examples), share_error(share, other))


def examples_to_see(difference: float, share: float, *, paired: bool) -> int:
    """How many examples show a difference of two shares at 95% confidence with 80% power.

    Source: Miller (2024), arXiv:2411.00640, equation 9, with one answer a question.
    """
    error = difference_error(share, 1, None if paired else 1)
    return math.ceil(((Z + _POWER) * error / difference) ** 2)


def difference_to_see(error: float) -> float:
    """The smallest difference that is seen at 95% confidence with 80% power, by its standard error."""
    return (Z + _POWER) * error


def examples_to_rule_out(rate: float) -> int:
    """How many examples without a single hit show, at 95% confidence, that hits are rarer than `rate`.

    About 3 / rate. Source: Hanley and Lippman-Hand (1983), "If nothing goes wrong, is everything all right?", JAMA 249.
    """
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-rate))


def above(standard: float) -> float:
    """The probability that a standard normal number is above `standard`."""
    return 0.5 * math.erfc(standard / math.sqrt(2))
