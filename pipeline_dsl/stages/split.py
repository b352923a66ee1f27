"""One of the three parts of a corpus."""

import hashlib
from collections.abc import Iterator
from typing import Literal

from pipeline_dsl.base.units import Seconds, Tokens
from pipeline_dsl.lang.artifacts import Corpus
from pipeline_dsl.lang.fields import Fraction
from pipeline_dsl.lang.label import Division
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

Part = Literal["train", "validation", "test"]


class Split(Stage[Corpus]):
    """The documents that a hash of their group, or of their id without one, assigns to `part`.

    Declare one stage a part, alike in all else: the parts are then disjoint and make up the whole, and whatever is one group
    lies in one part. No seed enters, so that a new seed never moves a test document into training; a new `salt` does.
    """

    corpus: Ref[Corpus]
    part: Part
    train: Fraction = 0.6
    validation: Fraction = 0.2
    test: Fraction = 0.2
    salt: str = "pdsl"

    def holds_evaluation_data(self) -> bool:
        return self.part != "train"

    def division(self) -> Division:
        return Division(self.corpus, self.part, (self.train, self.validation, self.test, self.salt))

    def size(self, sizes: Sizes) -> Size:
        tokens = sizes[self.corpus].tokens
        share = {"train": self.train, "validation": self.validation, "test": self.test}.get(self.part, 0)
        return Size(tokens=None if tokens is None else Tokens(round(tokens * share)))

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(1 + (sizes[self.corpus].tokens or 0) / 20e6))

    def problems(self) -> Iterator[Problem]:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            yield Problem("part", f"the parts add up to {total:g}, not 1", "write for instance train=0.8, validation=0.1, test=0.1")
        if {"train": self.train, "validation": self.validation, "test": self.test}.get(self.part) == 0:
            yield Problem("part", f"the part `{self.part}` has a share of 0", f"give {self.part} a share, or leave the stage out")

    def run(self, work: Workspace) -> Corpus:
        from pipeline_dsl.ml.documents import CorpusWriter, lines

        meta = work.meta(self.corpus)
        left_out = 0
        with CorpusWriter(work.output) as writer:
            for line, document in lines(work.path(self.corpus)):
                if self.assigned(document.group or document.id) == self.part:
                    writer.write(document, line)
                else:
                    left_out += 1
        return writer.corpus(licences=meta.licences, counts={**meta.counts, "split.left_out": left_out})

    def assigned(self, group: str) -> Part:
        """The part that everything of one group belongs to."""
        found = hashlib.sha256(f"{self.salt}\0{group}".encode()).digest()
        place = int.from_bytes(found[:8], "big") / 2**64
        if place < self.train:
            return "train"
        return "validation" if place < self.train + self.validation else "test"
