"""Pairs of answers, the better one first."""

from typing import Any

from pipeline_dsl import Count, Preferences, Ref, Size, Sizes, Source, Stage, Workspace
from pipeline_dsl.base.units import Tokens
from pipelines.wordnet import rows
from pipelines.wordnet.nouns import KINDS, Noun, Part, at_most, half, lot, nouns
from pipelines.wordnet.questions import assistant, user, what_kind


class KindPreferences(Stage[Preferences]):
    """What kind of thing a noun is, preferred to one that it is not.

    The nouns are those of the half that `Lessons` leaves out.
    """

    dictionary: Ref[Source]
    part: Part
    per_kind: Count = 300

    def holds_evaluation_data(self) -> bool:
        return self.part != "train"

    def size(self, sizes: Sizes) -> Size:
        examples = len(KINDS) * self.per_kind
        return Size(examples=examples, tokens=Tokens(80 * examples))

    def run(self, work: Workspace) -> Preferences:
        known = half(nouns(work.path(self.dictionary), self.part), 1)
        return Preferences(pairs=rows.write(work.output / "pairs.jsonl", map(preference, at_most(self.per_kind, known))))


def preference(noun: Noun) -> dict[str, Any]:
    """The right kind against another, drawn from the rest."""
    others = [kind for kind in KINDS.values() if kind != noun.kind]
    wrong = others[int(lot("wrong " + noun.word) * len(others))]
    return {"prompt": user(what_kind(noun)), "chosen": assistant(str(noun.kind)), "rejected": assistant(wrong)}
