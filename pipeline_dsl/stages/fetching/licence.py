"""SPDX licence expressions, as far as their grammar goes."""

import re

_ID = r"[A-Za-z0-9][A-Za-z0-9.-]*\+?"
_TERM = rf"\(*\s*{_ID}(\s+WITH\s+{_ID})?\s*\)*"


def licence_fault(expression: str) -> str | None:
    """Why `expression` is no SPDX expression; None if it reads as one. Whether SPDX lists its names is not asked.

    Source: SPDX specification 2.3, annex D.
    """
    if re.fullmatch(rf"{_TERM}(\s+(AND|OR)\s+{_TERM})*", expression) and expression.count("(") == expression.count(")"):
        return None
    return f"`{expression}` is no SPDX licence expression"
