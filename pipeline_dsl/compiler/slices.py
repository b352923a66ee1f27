"""Parts of a published data set as the `datasets` library spells them: `train`, `train[:1000]`, `train[90%:]`, `train+validation`."""

import math
import re

_PART = re.compile(r"(\w+)(?:\[\s*(-?\d+%?)?\s*:\s*(-?\d+%?)?\s*\])?").fullmatch


def overlap(one: str, other: str) -> bool:
    """Whether two spellings are known to have rows in common; bounds that cannot be compared say nothing."""
    return any(_meet(first, second) for first in one.split("+") for second in other.split("+"))


def _meet(one: str, other: str) -> bool:
    first, second = _PART(one.strip()), _PART(other.strip())
    if first is None or second is None or first.group(1) != second.group(1):
        return False
    low, high = _bounds(first)
    least, most = _bounds(second)
    if not (low or high) or not (least or most) or (low, high) == (least, most):
        return True
    bounds = [bound for bound in (low, high, least, most) if bound]
    if any(bound.startswith("-") for bound in bounds) or len({bound.endswith("%") for bound in bounds}) > 1:
        return False
    return _number(low, 0) < _number(most, math.inf) and _number(least, 0) < _number(high, math.inf)


def _bounds(part: re.Match[str]) -> tuple[str, str]:
    """Where a slice begins and ends, as it spells them; empty where it leaves that out."""
    return str(part.group(2) or ""), str(part.group(3) or "")


def _number(bound: str, left_out: float) -> float:
    return float(bound.rstrip("%")) if bound else left_out
