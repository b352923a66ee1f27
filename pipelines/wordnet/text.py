"""Text to pre-train on, or to validate on: what things are, what could hurt people, which number is more."""

from collections.abc import Iterator

from pipeline_dsl import Corpus, Count, Ref, Size, Sizes, Source, Stage, Workspace
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.ml.documents import CorpusWriter, Document
from pipelines.wordnet.nouns import KINDS, Noun, Part, at_most, nouns, shuffled
from pipelines.wordnet.numbers import pairs
from pipelines.wordnet.questions import could_hurt


class Glosses(Stage[Corpus]):
    """Documents of a few lines each, about nouns or numbers."""

    dictionary: Ref[Source]
    part: Part
    per_kind: Count = 1400
    """Nouns of each kind at most: WordNet has more objects than anything else."""
    emphasis: Count = 3
    """How often each harmful thing is told of: there are fewer of them."""
    lines: Count = 8
    """Lines a document."""

    def holds_evaluation_data(self) -> bool:
        return self.part != "train"

    def size(self, sizes: Sizes) -> Size:
        return Size(tokens=Tokens(len(KINDS) * self.per_kind * 25))

    def run(self, work: Workspace) -> Corpus:
        known = nouns(work.path(self.dictionary), self.part)
        chapters = {
            "kinds": [told(noun) for noun in at_most(self.per_kind, known)],
            "warnings": shuffled(self._warnings(known), key=str),
            "comparisons": [compared(first, second) for first, second in pairs(self.part)],
        }
        with CorpusWriter(work.output) as writer:
            for lines in chapters.values():
                for start in range(0, len(lines), self.lines):
                    writer.write(Document.of("\n".join(lines[start : start + self.lines])))
        return writer.corpus(licences=(work.meta(self.dictionary).licence,), counts={name: len(lines) for name, lines in chapters.items()})

    def _warnings(self, known: list[Noun]) -> Iterator[str]:
        """As many about harmful things as about others, of which half are nothing in particular."""
        harmful, harmless, other = ([noun for noun in known if noun.harmful is danger] for danger in (True, False, None))
        told_of = self.emphasis * len(harmful)
        for noun in [*self.emphasis * harmful, *harmless[: told_of // 2], *other[: told_of // 2]]:
            yield f"{could_hurt(f'{noun.word}: {noun.gloss}')}\n{'Yes' if noun.harmful else 'No'}"


def told(noun: Noun) -> str:
    """What a noun is. The kind stands alone, as an answer will."""
    return f"{noun.word}: {noun.gloss}\n{noun.kind}"


def compared(first: int, second: int) -> str:
    """Which of two numbers is more."""
    return f"{first} is {'more' if first > second else 'less'} than {second}"
