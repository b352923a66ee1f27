"""Text to pre-train on, or to validate on: glosses with the kind of thing on a line of its own, and comparisons of numbers."""

from pipeline_dsl import Corpus, Count, Ref, Size, Sizes, Source, Stage, Workspace
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.ml.documents import CorpusWriter, Document
from pipelines.wordnet.nouns import Noun, Part, at_most, nouns
from pipelines.wordnet.numbers import pairs


class Glosses(Stage[Corpus]):
    """Documents of a few lines each about nouns, and a few comparisons of numbers among them."""

    dictionary: Ref[Source]
    part: Part
    per_kind: Count = 2500
    """Nouns of each kind at most: WordNet has more objects than anything else."""
    lines: Count = 8
    """Lines a document."""

    def holds_evaluation_data(self) -> bool:
        return self.part != "train"

    def size(self, sizes: Sizes) -> Size:
        return Size(tokens=Tokens(8 * self.per_kind * 25))

    def run(self, work: Workspace) -> Corpus:
        found = at_most(self.per_kind, nouns(work.path(self.dictionary), self.part))
        lines = [told(noun) for noun in found]
        sums = [compared(first, second) for first, second in pairs(self.part)]
        with CorpusWriter(work.output) as writer:
            for text in (lines, sums):
                for start in range(0, len(text), self.lines):
                    writer.write(Document.of("\n".join(text[start : start + self.lines])))
            licence = work.meta(self.dictionary).licence
            return writer.corpus(licences=(licence,), counts={"nouns": len(lines), "comparisons": len(sums)})


def told(noun: Noun) -> str:
    """A noun as the text tells it. The kind stands alone, as an answer will."""
    return f"{noun.word}: {noun.gloss}\n{noun.kind}"


def compared(first: int, second: int) -> str:
    """A comparison as the text tells it."""
    return f"{first} is {'more' if first > second else 'less'} than {second}"
