"""Documents of a corpus on disk: one JSON object a line, in shards that are read and written as streams."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import attrs

from pipeline_dsl.base.digest import SHARD
from pipeline_dsl.base.fault import StageFailed, WrongArtifact
from pipeline_dsl.lang.artifacts import Corpus

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@attrs.frozen
class Document:
    """One document.

    `group` names what must stay together when documents are split, such as the whole that this is a piece of; without one,
    a document is its own group. `known` is whatever else a stage wrote beside it.
    """

    id: str
    text: str
    group: str | None = None
    known: Mapping[str, Any] = {}

    @classmethod
    def of(cls, text: str, *, group: str | None = None, **known: Any) -> "Document":
        """A document that is named by its text: 32 hexadecimal digits of the text's sha256."""
        return cls(text_id(text), text, group, known)

    def line(self) -> bytes:
        """The document as a line of a corpus, its end included."""
        record = {**self.known, "id": self.id, "text": self.text}
        if self.group is not None:
            record["group"] = self.group
        return _encode(record).encode() + b"\n"


def text_id(text: str) -> str:
    """32 hexadecimal digits of the sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def parse(line: bytes, where: str = "a line") -> Document:
    """The document in one line.

    Raises: WrongArtifact, naming `where`, if the line holds none.
    """
    try:
        record: Any = json.loads(line)
        identity, text, group = record.pop("id"), record.pop("text"), record.pop("group", None)
        if not isinstance(identity, str) or not isinstance(text, str):
            raise TypeError("`id` and `text` are strings")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        help = 'each line of a corpus is a JSON object such as {"id": "...", "text": "..."}'
        raise WrongArtifact(f"{where} is no document: {error!r:.200}", help=help) from error
    return Document(identity, text, group, record)


def lines(folder: Path) -> Iterator[tuple[bytes, Document]]:
    """Every document of a corpus in order, with the line it was written as, its end included."""
    for file in sorted(folder.glob("*.jsonl")):
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                document = parse(line, f"`{file.name}`, line {number},")
                yield line if line.endswith(b"\n") else line + b"\n", document


def read(folder: Path) -> Iterator[Document]:
    """Every document of a corpus, in order."""
    return (document for _, document in lines(folder))


class CorpusWriter:
    """Writes documents into a folder, a new shard whenever one is full, and counts them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream: BinaryIO | None = None
        self._filled = 0
        self._shards = 0
        self.documents = 0
        self.characters = 0

    def __enter__(self) -> "CorpusWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, document: Document, line: bytes | None = None) -> None:
        """Append a document; `line` is how it was written already, if it was."""
        line = line or document.line()
        if self._stream is None or self._filled + len(line) > SHARD:
            if self._stream is not None:
                self._stream.close()
            self._stream = (self._folder / f"documents-{self._shards:05d}.jsonl").open("xb")
            self._shards, self._filled = self._shards + 1, 0
        self._stream.write(line)
        self._filled += len(line)
        self.documents += 1
        self.characters += len(document.text)

    def corpus(self, *, licences: tuple[str, ...], counts: Mapping[str, int]) -> Corpus:
        """The metadata of what was written.

        Raises: StageFailed if that is nothing.
        """
        if not self.documents:
            told = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()) if count) or "nothing was read"
            raise StageFailed("no document is left", help=f"what was counted on the way: {told}")
        return Corpus(
            documents=self.documents,
            characters=self.characters,
            licences=licences,
            counts=dict(sorted(counts.items())),
        )
