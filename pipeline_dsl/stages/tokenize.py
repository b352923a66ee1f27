"""Corpora into a dataset: rows of token ids, all of one length."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Nats, Seconds, Tokens
from pipeline_dsl.lang.artifacts import Corpus, Dataset, Tokenizer
from pipeline_dsl.lang.fields import Count
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

if TYPE_CHECKING:
    from pipeline_dsl.ml.packing import Ids, Spans

BATCH = 256
TOKENS_PER_SECOND = 5e5
"""On one core; measured on prose."""


class Tokenize(Stage[Dataset]):
    """Encode documents as `<bos> text <eos>` and pack them into rows of `length` tokens, in a seeded order.

    Parquet shards with one column, `input_ids`. Text that spells a special token is encoded as text. All tokens are held in
    memory, at the peak about twelve bytes each.
    """

    tokenizer: Ref[Tokenizer]
    corpora: tuple[Ref[Corpus], ...]
    repeats: tuple[float, ...] = ()
    """How often each corpus enters, one number a corpus: 2 is every document twice, 0.5 a random half of them."""
    length: Count = 1024
    packing: Literal["concatenate", "best_fit"] = "concatenate"
    """`concatenate` fills every row and cuts documents anywhere; the tokens that do not fill a last row are left out.
    `best_fit` cuts none that fits a row, and fills rows up with <pad>, which a loss must leave out."""
    limit: Count | None = None
    """At most so many tokens: a random choice of rows."""
    shard: Count = 65_536
    """Rows a file."""
    seed: int | None = None

    def size(self, sizes: Sizes) -> Size:
        known = [sizes[corpus].tokens for corpus in self.corpora]
        tokens = None
        if None not in known and len(self._repeats) == len(known):
            tokens = Tokens(round(sum((count or 0) * times for count, times in zip(known, self._repeats, strict=True))))
        if self.limit is not None:
            tokens = Tokens(min(self.limit, self.limit if tokens is None else tokens))
        return Size(tokens=tokens, examples=None if tokens is None else tokens // self.length)

    def cost(self, sizes: Sizes) -> Work:
        tokens = sum(sizes[corpus].tokens or 0 for corpus in self.corpora)
        return Work(seconds=Seconds(3 + tokens / TOKENS_PER_SECOND))

    def problems(self) -> Iterator[Problem]:
        if not self.corpora:
            yield Problem("corpora", "there is nothing to encode", "name at least one corpus: corpora=(train,)")
        if self.repeats and len(self.repeats) != len(self.corpora):
            help = "one number for each corpus, in the same order"
            yield Problem("repeats", f"{len(self.repeats)} numbers for {len(self.corpora)} corpora", help)
        if any(times <= 0 for times in self.repeats):
            yield Problem("repeats", "a corpus that enters 0 times does not enter", "leave it out, or give a number above 0")
        if self.limit is not None and self.limit < self.length:
            yield Problem("limit", f"{self.limit} tokens are less than one row of {self.length}", "raise `limit`")

    def run(self, work: Workspace) -> Dataset:
        numpy: Any = work.library("numpy")
        from pipeline_dsl.ml import packing
        from pipeline_dsl.ml.chat import PAD_ID

        tokens, spans, documents = self._encoded(work)
        random = numpy.random.Generator(numpy.random.PCG64(work.seed))
        spans = spans[random.permutation(len(spans))]
        if self.packing == "best_fit":
            rows = packing.best_fit(tokens, spans, self.length, PAD_ID)
        else:
            rows = packing.concatenated(tokens, spans, self.length)
        rows = rows[random.permutation(len(rows))]
        if self.limit is not None:
            rows = rows[: self.limit // self.length]
        if not len(rows):
            help = "shorten `length`, add documents, or pack by best_fit"
            raise StageFailed(f"{int(spans[:, 1].sum()):,} tokens do not fill one row of {self.length}", help=help)
        self._write(rows, work)
        counts = numpy.bincount(rows.ravel(), minlength=1)
        counts[PAD_ID] = 0  # text never encodes to padding
        return Dataset(
            rows=len(rows),
            length=self.length,
            tokens=Tokens(int(counts.sum())),
            documents=documents,
            duplicates=sum(_duplicates(work.meta(corpus)) for corpus in self.corpora),
            unigram_entropy=Nats(packing.entropy(counts)),
        )

    @property
    def _repeats(self) -> Sequence[float]:
        return self.repeats or (1,) * len(self.corpora)

    def _encoded(self, work: Workspace) -> "tuple[Ids, Spans, int]":
        """(tokens of all documents, a span for each time a document enters, documents that enter at all)."""
        import numpy as np

        from pipeline_dsl.ml.chat import BOS_ID, EOS_ID
        from pipeline_dsl.ml.documents import read

        os.environ["RAYON_NUM_THREADS"] = str(work.threads)
        tokenizer = work.library("tokenizers").Tokenizer.from_file(str(work.path(self.tokenizer) / "tokenizer.json"))
        tokenizer.encode_special_tokens = True
        random = np.random.Generator(np.random.PCG64([work.seed, 1]))
        total = sum(work.meta(corpus).documents for corpus in self.corpora)
        arrays: list[Ids] = []
        spans: list[tuple[int, int]] = []
        at = documents = 0
        for corpus, repeats in zip(self.corpora, self._repeats, strict=True):
            for texts in _batches(document.text for document in read(work.path(corpus))):
                for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
                    times = int(repeats) + (float(random.random()) < repeats % 1)
                    if times:
                        arrays.append(np.array([BOS_ID, *encoding.ids, EOS_ID], np.uint32))
                        spans.extend([(at, len(arrays[-1]))] * times)
                        at += len(arrays[-1])
                        documents += 1
                work.progress(documents, total)
        flat = np.concatenate(arrays) if arrays else np.empty(0, np.uint32)
        return flat, np.array(spans, np.int64).reshape(-1, 2), documents

    def _write(self, rows: "Ids", work: Workspace) -> None:
        """Shards of at most `shard` rows."""
        arrow: Any = work.library("pyarrow")
        parquet: Any = work.library("pyarrow.parquet")
        for number, first in enumerate(range(0, len(rows), self.shard)):
            part = rows[first : first + self.shard]
            offsets = arrow.array(range(0, part.size + 1, self.length), arrow.int32())
            column = arrow.ListArray.from_arrays(offsets, arrow.array(part.ravel().astype("int32")))
            parquet.write_table(arrow.table({"input_ids": column}), str(work.output / f"rows-{number:05d}.parquet"), compression="zstd")


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _duplicates(corpus: Corpus) -> int:
    """Documents that deduplication dropped on the way to a corpus."""
    return corpus.counts.get("deduplicate.exact", 0) + corpus.counts.get("deduplicate.near", 0)
