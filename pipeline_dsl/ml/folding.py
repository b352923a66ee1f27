"""Texts without case, accents, punctuation and blanks: what is left of two texts is the same if only those differ.

Letters and digits stay, in their compatible form without marks (NFKD) and case. Everything else goes: blanks, punctuation,
symbols, accents, what is invisible. The fold of a text is that of its characters, one after the other, so every folded
character has one place in the text. Source: Unicode Standard Annex 15, and the Unicode Standard, section 3.13 (case folding).
"""

import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Characters = npt.NDArray[np.uint32]
Places = npt.NDArray[np.int64]

BREAK = 1
"""Stands for the end of a text, and for nothing that is in one."""
END = "\0"
"""How a break is written in texts that are folded together."""

_GONE, _UNKNOWN, _SEVERAL = 0, 0xFFFFFFFF, 0x80000000


def together(texts: Sequence[str]) -> str:
    """Texts as one, a break before, between and after them; of none, a break."""
    return END.join(["", *(text.replace(END, " ") for text in texts), ""])


def fold(text: str) -> Characters:
    """What is left of a text; no step of it is a character at a time."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii").translate(*_table().ascii), np.uint8).astype(np.uint32)
    found = _table().of(_codes(text))
    kept = found[np.flatnonzero(found != _GONE)]
    wide = np.flatnonzero(kept >= _SEVERAL)
    if not len(wide):
        return kept
    chosen = _table().several(kept[wide])
    spread = np.repeat(kept, _times(len(kept), wide, chosen))
    spread[spread >= _SEVERAL] = np.concatenate(chosen)
    return spread


def places(text: str) -> Places:
    """Where in the text each character of its fold was."""
    found = _table().of(_codes(text))
    kept = np.flatnonzero(found != _GONE)
    wide = np.flatnonzero(found[kept] >= _SEVERAL)
    return np.repeat(kept, _times(len(kept), wide, _table().several(found[kept[wide]])))


def stands_alone(characters: Characters) -> npt.NDArray[np.bool_]:
    """Which characters are words of their own: Han and kana, which are written without blanks."""
    return ((characters >= 0x3400) & (characters <= 0x9FFF)) | ((characters >= 0x3040) & (characters <= 0x30FF))


def parts_words(text: str) -> bool:
    """Whether a text that is gone when folded stood between two words, and not inside one as accents and soft hyphens do."""
    return any(not _inside_words(character) for character in text)


def spaces(text: str) -> npt.NDArray[np.bool_]:
    """Which characters of a text are blanks."""
    return _blanks()[_codes(text)]


class _Table:
    """What each character is folded to, found out when it is first met: most texts have few of the million."""

    def __init__(self) -> None:
        self._known = np.full(0x110000, _UNKNOWN, np.uint32)
        self._known[0] = BREAK
        self._several: list[Characters] = []
        plain = self.of(np.arange(256, dtype=np.uint32)).tolist()
        gone = bytes(code for code in range(256) if code > 127 or plain[code] == _GONE)
        self.ascii = bytes(code if code > 127 else plain[code] for code in range(256)), gone
        """For `bytes.translate`: what each byte becomes, and which go."""

    def of(self, raw: Characters) -> Characters:
        """What each of these is folded to: nothing, a character, or `_SEVERAL` and the number of those that it becomes, as ß does."""
        found = self._known[raw]
        unknown = found == _UNKNOWN
        if unknown.any():
            for code in np.unique(raw[unknown]).tolist():
                self._known[code] = self._learn(chr(code))
            found = self._known[raw]
        return found

    def several(self, found: Characters) -> list[Characters]:
        """What those become that become several."""
        return [self._several[code - _SEVERAL] for code in found.tolist()]

    def _learn(self, character: str) -> int:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
        kept = [ord(part) for part in folded if unicodedata.category(part)[0] in "LN"]
        if len(kept) > 1:
            self._several.append(np.array(kept, np.uint32))
            return _SEVERAL + len(self._several) - 1
        return kept[0] if kept else _GONE


def _codes(text: str) -> Characters:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _times(count: int, wide: Places, chosen: Sequence[Characters]) -> Places:
    times = np.ones(count, np.int64)
    times[wide] = [len(several) for several in chosen]
    return times


@cache
def _table() -> _Table:
    return _Table()


@cache
def _blanks() -> npt.NDArray[np.bool_]:
    blank = np.zeros(0x110000, np.bool_)
    blank[[code for code in range(0x3001) if chr(code).isspace()]] = True  # Unicode has none further on
    return blank


def _inside_words(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
