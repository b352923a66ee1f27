"""Training data, shard by shard: parts of files that any process may look through, and what was found in each."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from pipeline_dsl.base.fault import WrongArtifact
from pipeline_dsl.lang.overlap import Sighting
from pipeline_dsl.stages.cleaning.encoding import encodable
from pipeline_dsl.stages.matching.texts import Data, Reader, Row, Text, reader, rows

if TYPE_CHECKING:
    from pipeline_dsl.ml.overlaps import Searched, Stretch
    from pipeline_dsl.ml.wanted import Index

PART = 2**23
"""Bytes that one process looks through at a time; what is found does not depend on how many processes there are."""
TOGETHER = 2**17
"""Characters that are folded at once; a longer text is, whole."""
SHOWN = 3
"""Places that are shown of each wanted text."""
AROUND = 80
"""Characters that are shown on either side."""
LONGEST = 600
"""Characters that are shown of what was found; the middle of more is left out."""


@attrs.frozen
class Part:
    """The lines of a file that begin between two places."""

    data: str
    kind: type[Data]
    file: Path
    begin: int
    end: int


@attrs.define
class Seen:
    """What was seen of one wanted text: runs of its words (from, to), apart and in order, and the first places."""

    runs: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])
    shown: list[Sighting] = attrs.field(factory=list[Sighting])

    def add(self, run: tuple[int, int]) -> None:
        """Take in another run."""
        low, high = run
        apart = [other for other in self.runs if other[1] < low or other[0] > high]
        joined = [other for other in self.runs if other not in apart]
        self.runs = sorted([*apart, (min([low, *(run[0] for run in joined)]), max([high, *(run[1] for run in joined)]))])

    def merge(self, later: "Seen", lines: int) -> None:
        """Take in what was seen further on, behind so many lines of the file."""
        for run in later.runs:
            self.add(run)
        room = SHOWN - len(self.shown)
        self.shown.extend(attrs.evolve(sighting, line=sighting.line + lines) for sighting in later.shown[: max(room, 0)])


@attrs.frozen(kw_only=True)
class Found:
    """What one part gave."""

    lines: int
    texts: int
    characters: int
    seen: Mapping[int, Seen]


def parts(name: str, kind: type[Data], folder: Path) -> Iterator[Part]:
    """All of an artifact's files in parts, in order."""
    for file in sorted(folder.glob("*.jsonl")):
        size = file.stat().st_size
        for begin in range(0, size, PART):
            yield Part(name, kind, file, begin, min(begin + PART, size))


def look_through(part: Part, index: "Index") -> Found:
    """Everything of the wanted texts that a part of the training data has.

    Raises: WrongArtifact for a row that is none of its kind.
    """
    from pipeline_dsl.ml.overlaps import Searched, Settled, stretches

    settled = Settled(len(index.least))
    seen: dict[int, Seen] = {}
    texts = characters = lines = 0
    for batch, read in _batches(part):
        lines = read
        searched = Searched([text.text for _, _, text in batch])
        texts += len(batch)
        characters += len(searched.joined) - len(batch) - 1
        for stretch in stretches(index, searched, settled):
            known = seen.setdefault(stretch.wanted, Seen())
            known.add(stretch.words)
            if len(known.shown) < SHOWN:
                known.shown.append(_sighting(part, batch, searched, stretch))
            if len(known.shown) == SHOWN:
                low = int(index.starts[index.words[stretch.wanted] + stretch.words[0]])
                settled.settle(stretch.wanted, low, low + stretch.place[1] - stretch.place[0])
    return Found(lines=lines, texts=texts, characters=characters, seen=seen)


Placed = tuple[int, Row, Text]
"""(line, counted from 0 in its part; row; one of its texts)"""


def _batches(part: Part) -> Iterator[tuple[list[Placed], int]]:
    """(texts that are searched together, lines read so far), to the end of the part."""
    read: Reader = reader(part.kind)
    batch: list[Placed] = []
    size, number = 0, -1
    for number, row in rows(part.file, part.begin, part.end):
        try:
            texts = read(row)
        except (KeyError, TypeError, AttributeError) as error:
            where = f"`{part.file.name}`, line {number + 1} from byte {part.begin:,}"
            raise WrongArtifact(f"{where}, of `{part.data}` is no row of {part.kind.__name__}: {error!r}") from error
        for text in texts:
            batch.append((number, row, text))
            size += len(text.text)
        if size >= TOGETHER:
            yield batch, number + 1
            batch, size = [], 0
    if number >= 0:
        yield batch, number + 1


def _sighting(part: Part, batch: list[Placed], searched: "Searched", stretch: "Stretch") -> Sighting:
    from pipeline_dsl.ml.folding import BREAK

    first, last = stretch.place[0], stretch.place[1] - 1
    if searched.characters[first] == BREAK:  # a whole text is found with its ends
        first, last = first + 1, last - 1
    (which, start), (_, stop) = searched.place(first), searched.place(last)
    number, row, text = batch[which]
    end = stop + 1
    found = text.text[start:end]
    if len(found) > LONGEST:
        found = f"{found[: LONGEST // 2]} [...] {found[-LONGEST // 2 :]}"
    return Sighting(
        data=part.data,
        file=part.file.name,
        line=number + 1,
        id=str(row["id"]) if "id" in row else None,
        where=text.where,
        start=start,
        end=end,
        before=encodable(text.text[max(start - AROUND, 0) : start]),
        text=encodable(found),
        after=encodable(text.text[end : end + AROUND]),
    )
