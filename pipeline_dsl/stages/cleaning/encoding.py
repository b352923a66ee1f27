"""Bytes to Unicode text, and text that was decoded wrongly back to what was meant."""

import re
import unicodedata
from typing import Any


def decode(data: bytes, encoding: Any) -> str:
    """`data` as text: UTF-8 where it is valid, else what resiliparse's detector takes it for.

    `encoding` is the module `resiliparse.parse.encoding`. Undecodable bytes become U+FFFD.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        found = encoding.detect_encoding(data) or "windows-1252"
        return str(encoding.bytes_to_str(data, found, errors="replace"))


def repair(text: str, ftfy: Any) -> str:
    """`text` with mojibake, control characters, line ends and broken surrogates put right, in NFC.

    What is merely typographic (curly quotes, full-width letters) stays as it is. `ftfy` is the library (Speer, 2019).
    """
    return str(ftfy.fix_text(text, uncurl_quotes=False, fix_character_width=False, fix_latin_ligatures=False, normalization="NFC"))


def encodable(text: str) -> str:
    """`text` with lone surrogates, which no encoding can write, as U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def tidy(text: str) -> str:
    """`text` in NFC, without trailing blanks, without more than one empty line in a row, without blank ends."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+(?=\n)", "", lines)).strip()
