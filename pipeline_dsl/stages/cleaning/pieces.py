"""Long texts cut where a reader would pause."""

import re
from collections.abc import Iterator

_PAUSES = (r"\n\n+", r"\n", r"(?<=[.!?;])[\"'”’)\]]?\s+", r"\s+")
"""Where to cut, the best place first: a paragraph, a line, a sentence, a word."""


def pieces(text: str, longest: int) -> Iterator[str]:
    """`text` in order, in pieces of at most `longest` characters that end at the best pause there is.

    Blanks at the cuts are left out, nothing else is.
    """
    start = 0
    while len(text) - start > longest:
        end, following = _cut(text, start, longest)
        piece = text[start:end].strip()
        if piece:
            yield piece
        start = following
    rest = text[start:].strip()
    if rest:
        yield rest


def _cut(text: str, start: int, longest: int) -> tuple[int, int]:
    """(end of the piece, start of the next): at the last pause of the best kind in the second half of what may be used."""
    window = text[start : start + longest + 1]
    for pause in _PAUSES:
        last = max(re.finditer(pause, window), key=re.Match[str].start, default=None)
        if last is not None and last.start() >= longest // 2:
            return start + min(_quoted(last), longest), start + last.end()
    return start + longest, start + longest


def _quoted(pause: re.Match[str]) -> int:
    """Where the piece ends: after a quotation mark or a bracket that closes the sentence."""
    return pause.start() + len(pause[0]) - len(pause[0].lstrip("\"'”’)]"))
