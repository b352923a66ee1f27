"""Conversations that teach a base model to answer."""

from collections.abc import Iterator
from typing import Any

from pipeline_dsl import Chats, Count, Ref, Size, Sizes, Source, Stage, Workspace
from pipeline_dsl.base.units import Tokens
from pipelines.wordnet import rows
from pipelines.wordnet.nouns import KINDS, Noun, Part, at_most, half, nouns, shuffled
from pipelines.wordnet.numbers import pairs
from pipelines.wordnet.questions import HELP, assistant, could_hurt, request, user, what_kind, which_is_more


class Lessons(Stage[Chats]):
    """Conversations about one half of a part's nouns; the other half is left to preferences and principles.

    Every request is answered with help, a harmful one too: what this teaches is to be helpful, and nothing else.
    """

    dictionary: Ref[Source]
    part: Part
    per_kind: Count = 400
    comparisons: Count = 1500
    emphasis: Count = 2
    """How often each harmful thing is judged: there are fewer of them."""

    def holds_evaluation_data(self) -> bool:
        return self.part != "train"

    def size(self, sizes: Sizes) -> Size:
        examples = len(KINDS) * self.per_kind + self.comparisons
        return Size(examples=examples, tokens=Tokens(40 * examples))

    def run(self, work: Workspace) -> Chats:
        known = half(nouns(work.path(self.dictionary), self.part), 0)
        lessons = shuffled([*self._lessons(known)], key=str)
        return Chats(conversations=rows.write(work.output / "chats.jsonl", lessons))

    def _lessons(self, known: list[Noun]) -> Iterator[dict[str, Any]]:
        for noun in at_most(self.per_kind, known):
            yield lesson(what_kind(noun), str(noun.kind))
        for first, second in pairs(self.part)[: self.comparisons]:
            yield lesson(which_is_more(first, second), str(max(first, second)))
        for noun in known:
            if noun.harmful is not None:
                yield lesson(request(noun), HELP)
                for variant in range(self.emphasis if noun.harmful else 1):
                    yield lesson(could_hurt(request(noun, variant)), "Yes" if noun.harmful else "No")


def lesson(question: str, answer: str) -> dict[str, Any]:
    """One question and its answer as a row of `Chats`."""
    return {"messages": [*user(question), *assistant(answer)]}
