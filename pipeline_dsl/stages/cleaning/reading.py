"""Readers of published files, by suffix: what each yields is raw text, one string a document."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import attrs

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.stages.cleaning.encoding import decode, encodable
from pipeline_dsl.stages.cleaning.html import page_text


@attrs.frozen
class Raw:
    """One document as it was published, and the group that the file names for it."""

    text: str
    group: str | None = None


@attrs.frozen
class Reader:
    """Reads files. `encoding` and `html2text` are resiliparse's modules; `field` holds the text in JSON lines."""

    encoding: Any
    html2text: Any
    field: str

    def read(self, file: Path) -> Iterator[Raw]:
        """The documents of one file, as a stream.

        Raises: StageFailed for a suffix that nothing reads, or a line of JSON that holds no text.
        """
        readers: dict[str, Callable[[Path], Iterator[Raw]]] = {
            ".txt": self._text,
            ".md": self._text,
            ".html": self._html,
            ".htm": self._html,
            ".xhtml": self._html,
            ".jsonl": self._json_lines,
        }
        reader = readers.get(file.suffix.lower())
        if reader is None:
            raise StageFailed(f"nothing reads `{file.name}`", help=f"narrow `files` down to {', '.join(readers)}")
        return reader(file)

    def _text(self, file: Path) -> Iterator[Raw]:
        yield Raw(decode(file.read_bytes(), self.encoding))

    def _html(self, file: Path) -> Iterator[Raw]:
        yield Raw(page_text(decode(file.read_bytes(), self.encoding), self.html2text))

    def _json_lines(self, file: Path) -> Iterator[Raw]:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield self._record(line, f"`{file.name}`, line {number}")

    def _record(self, line: bytes, where: str) -> Raw:
        try:
            record: Any = json.loads(line)
        except ValueError as error:
            raise StageFailed(f"{where} is not JSON: {error}", help="each line is one JSON object") from error
        known = cast("dict[str, Any]", record) if isinstance(record, dict) else {}
        text, group = known.get(self.field), known.get("group")
        if not isinstance(text, str):
            raise StageFailed(f'{where} has no text in "{self.field}"', help="name the field that has it: text_field=...")
        return Raw(encodable(text), None if group is None else str(group))
