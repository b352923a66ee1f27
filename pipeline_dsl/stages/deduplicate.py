"""Duplicates out: texts that are the same but for spelling, and texts that are nearly the same."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline_dsl.base.units import Seconds, Tokens
from pipeline_dsl.lang.artifacts import Corpus
from pipeline_dsl.lang.fields import Count, Fraction
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

if TYPE_CHECKING:
    from pipeline_dsl.ml.documents import Document

BATCH = 1000
TOKENS_PER_SECOND = 1e6
"""On one core; measured on prose."""


class Deduplicate(Stage[Corpus]):
    """Keep one document of each set of duplicates: the first in the order of their ids.

    Exact duplicates have the same words, whatever their case and punctuation. Near duplicates have a MinHash estimate of the
    Jaccard similarity of their word shingles of at least `near` with a document that is kept; its standard error is
    sqrt(near (1 - near) / permutations). The result does not depend on the order of documents or corpora. Memory is about a
    kilobyte a document.

    Source: Broder (1997), "On the resemblance and containment of documents"; bands as in Leskovec, Rajaraman and Ullman,
    "Mining of Massive Datasets", section 3.4.
    """

    deduplicates: ClassVar[bool] = True
    """A document is there once in what it makes, however often its inputs have it."""

    corpora: tuple[Ref[Corpus], ...]
    near: Fraction | None = 0.8
    """Similarity from which documents count as one; None looks for exact duplicates only."""
    permutations: Count = 128
    shingle: Count = 5
    """Words a shingle."""

    def size(self, sizes: Sizes) -> Size:
        known = [sizes[corpus].tokens for corpus in self.corpora]
        return Size(tokens=None if None in known else Tokens(sum(tokens or 0 for tokens in known)))

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(2 + (self.size(sizes).tokens or 0) / TOKENS_PER_SECOND))

    def problems(self) -> Iterator[Problem]:
        if not self.corpora:
            yield Problem("corpora", "there is nothing to compare", "name at least one corpus: corpora=(letters,)")
        if self.near == 0:
            yield Problem("near", "at similarity 0 everything is a duplicate of everything", "0.8 is usual; None for exact duplicates only")

    def run(self, work: Workspace) -> Corpus:
        from pipeline_dsl.ml.documents import CorpusWriter, lines

        folders = [work.path(corpus) for corpus in self.corpora]
        counts: Counter[str] = Counter({"deduplicate.exact": 0, "deduplicate.near": 0})
        kept = self._kept(folders, work, counts)
        with CorpusWriter(work.output) as writer:
            position = 0
            for folder in folders:
                for line, document in lines(folder):
                    if kept[position]:
                        writer.write(document, line)
                    position += 1
        metas = [work.meta(corpus) for corpus in self.corpora]
        for meta in metas:
            counts.update(meta.counts)
        licences = tuple(sorted({licence for meta in metas for licence in meta.licences}))
        return writer.corpus(licences=licences, counts=counts)

    def _kept(self, folders: Sequence[Path], work: Workspace, counts: Counter[str]) -> bytearray:
        """One byte a document, in the order they are read: whether it stays."""
        ids: list[str] = []
        exact: list[bytes] = []
        signatures: list[Any] = []
        rensa: Any = work.library("rensa") if self.near is not None else None
        for batch in _batches(folders):
            words = [_words(document.text) for document in batch]
            ids.extend(document.id for document in batch)
            exact.extend(_fingerprint(document.text, found) for document, found in zip(batch, words, strict=True))
            if rensa is not None:
                shingles = [list(_shingles(found, self.shingle)) for found in words]
                signatures.extend(rensa.RMinHash.from_token_sets(shingles, self.permutations, 1))
            work.progress(len(ids), sum(work.meta(corpus).documents for corpus in self.corpora))
        index: Any = rensa.RMinHashLSH(self.near, self.permutations, bands(self.near or 1, self.permutations)) if rensa else None
        kept, seen = bytearray(len(ids)), set[bytes]()
        for position in sorted(range(len(ids)), key=lambda place: (ids[place], place)):
            if exact[position] in seen:
                counts["deduplicate.exact"] += 1
                continue
            seen.add(exact[position])
            if index is not None:
                mine = signatures[position]
                if any(signatures[other].jaccard(mine) >= self.near for other in index.query(mine)):
                    counts["deduplicate.near"] += 1
                    continue
                index.insert(position, mine)
            kept[position] = 1
        return kept


def bands(similarity: float, permutations: int) -> int:
    """The fewest bands with which a pair of that similarity is looked at in at least 98 of 100 cases.

    With b bands of r rows a pair of similarity s meets with probability 1 - (1 - s^r)^b. Fewer bands are faster.
    """
    divisors = [count for count in range(1, permutations + 1) if permutations % count == 0]
    for count in divisors:
        if 1 - (1 - similarity ** (permutations // count)) ** count >= 0.98:
            return count
    return permutations


def _batches(folders: Iterable[Path]) -> "Iterator[list[Document]]":
    from pipeline_dsl.ml.documents import read

    batch: list[Document] = []
    for folder in folders:
        for document in read(folder):
            batch.append(document)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _words(text: str) -> list[str]:
    """Words without case or punctuation, compatible characters as one.

    Han and kana are written without blanks: each of their characters counts as a word.
    """
    import re
    import unicodedata

    return re.findall(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+", unicodedata.normalize("NFKC", text).casefold())


def _fingerprint(text: str, words: Sequence[str]) -> bytes:
    """16 bytes that are the same for exact duplicates; a text without words is a duplicate of itself only."""
    import hashlib

    return hashlib.sha256((" ".join(words) if words else "\0" + text).encode()).digest()[:16]


def _shingles(words: Sequence[str], size: int) -> set[str]:
    """The runs of `size` words; all of a shorter text is one."""
    if len(words) <= size:
        return {" ".join(words)}
    return {" ".join(words[start : start + size]) for start in range(len(words) - size + 1)}
