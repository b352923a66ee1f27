"""Amounts as people write them: `$50k`, `50,000 USD`, `5%`, `7B`, `2T`, `25 nats`."""

import math
import re
from typing import Any

_AMOUNT = re.compile(
    r"(?:[$€]|(?:usd|us\$)\s*)?\s*(?P<number>[-+]?(?:\d{1,3}(?:,\d{3})+|\d[\d_]*|(?=\.\d))(?:\.\d*)?(?:e[-+]?\d+)?)\s*"
    r"(?P<scale>k|m|mm|b|bn|t|tn|thousand|million|billion|trillion)?\s*"
    r"(?P<unit>%|percent|usd|dollars|nats?|params|parameters|tokens|hours?|h|seconds|secs?|s)?",
    re.IGNORECASE | re.ASCII,
).fullmatch
_UNCLEAR = re.compile(
    r"(?:[$€]|(?:usd|us\$|eur)\s*)?\s*[1-9]\d{0,2}(?:\.\d{3})+\s*(?:[$€]|usd|us\$|eur|dollars)", re.IGNORECASE | re.ASCII
).fullmatch
"""`200.000 USD`: two hundred thousand to some, two hundred to others."""
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mm": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9} | {
    "t": 1e12,
    "tn": 1e12,
    "trillion": 1e12,
}
_SECONDS = {"h": 3600.0, "hour": 3600.0, "hours": 3600.0}


def amount(said: Any) -> float | None:
    """The number that is meant, a percentage as it is written, hours in seconds; None if none is."""
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said) if abs(said) < 1e300 and math.isfinite(said) else None
    if isinstance(said, str) and len(said) <= 60 and _UNCLEAR(said.strip()):
        return None
    match = _AMOUNT(said.strip()) if isinstance(said, str) and len(said) <= 60 else None
    if match is None:
        return None
    number = float(match["number"].replace(",", "").replace("_", ""))
    found = number * _SCALES.get((match["scale"] or "").lower(), 1.0) * _SECONDS.get((match["unit"] or "").lower(), 1.0)
    return found if math.isfinite(found) else None


def is_percentage(said: str) -> bool:
    """Whether an amount is written in hundredths."""
    return said.strip().lower().endswith(("%", "percent"))
