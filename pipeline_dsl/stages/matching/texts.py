"""The texts in the rows of an artifact of data, whatever its kind."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import attrs

from pipeline_dsl.base.fault import WrongArtifact
from pipeline_dsl.lang.artifacts import Chats, Corpus, Exercises, Preferences, Prompts

Data = Corpus | Chats | Preferences | Prompts
"""What is learnt from, and what may be held out."""

Row = Mapping[str, Any]

READ = 2**18
"""Bytes of whole lines that are read at once."""


@attrs.frozen
class Text:
    """One text of a row: `where` it stands, such as `text` or `messages.2`. `role` is that of who says it, if anybody does."""

    where: str
    text: str
    role: str = ""


Reader = Callable[[Row], list[Text]]


def reader(kind: type[Data]) -> Reader:
    """What gives the texts of a row of an artifact of this kind; it raises KeyError or TypeError for a row that has none."""
    if issubclass(kind, Corpus):
        return _document
    if issubclass(kind, Chats):
        return lambda row: _messages(row, "messages")
    if issubclass(kind, Preferences):
        return lambda row: [text for key in ("prompt", "chosen", "rejected") for text in _messages(row, key)]
    if issubclass(kind, Exercises):
        return lambda row: [*_messages(row, "prompt"), Text("answer", _string(row["answer"]))]
    return lambda row: _messages(row, "prompt")


def rows(file: Path, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, Row]]:
    """(number, row) of the lines that begin between two places of a file of JSON lines, counted from 0.

    Raises: WrongArtifact for a line that is no JSON object.
    """
    with file.open("rb") as stream:
        if begin:
            stream.seek(begin - 1)
            stream.readline()  # the line that goes over the beginning is read by whom it begins with
        number, at = 0, stream.tell()
        while end is None or at < end:
            some = stream.readlines(READ if end is None else min(READ, end - at))
            if not some:
                return
            for line in some:
                yield number, _parsed(line, file, at)
                number += 1
                at += len(line)


def _parsed(line: bytes, file: Path, at: int) -> Row:
    try:
        row = json.loads(line.decode())
    except ValueError as error:
        raise WrongArtifact(f"`{file.name}`, byte {at:,}, is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise WrongArtifact(f"`{file.name}`, byte {at:,}, is no JSON object")
    return cast("dict[str, Any]", row)


def _document(row: Row) -> list[Text]:
    return [Text("text", _string(row["text"]))]


def _messages(row: Row, key: str) -> list[Text]:
    return [Text(f"{key}.{number}", _string(said["content"]), str(said.get("role", ""))) for number, said in enumerate(row[key])]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value
