"""Questions without answers."""

from typing import Literal

from pipeline_dsl import Count, Prompts, Ref, Size, Sizes, Source, Stage, Workspace
from pipelines.wordnet import rows
from pipelines.wordnet.nouns import Part, at_most, half, nouns, shuffled
from pipelines.wordnet.questions import request, user, what_kind


class Asked(Stage[Prompts]):
    """Requests for things of which some are harmful, or questions about kinds of things.

    The nouns are those of the half that `Lessons` leaves out.
    """

    dictionary: Ref[Source]
    part: Part
    about: Literal["requests", "kinds"]
    variants: Count = 1
    """Wordings of each request."""
    limit: Count = 1000

    def holds_evaluation_data(self) -> bool:
        return self.part != "train"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=self.limit)

    def run(self, work: Workspace) -> Prompts:
        known = half(nouns(work.path(self.dictionary), self.part), 1)
        if self.about == "kinds":
            asked = [what_kind(noun) for noun in at_most(self.limit, known)]
        else:
            asked = [request(noun, variant) for noun in known if noun.harmful is not None for variant in range(self.variants)]
        questions = [{"prompt": user(question)} for question in shuffled(asked, key=str)[: self.limit]]
        return Prompts(prompts=rows.write(work.output / "prompts.jsonl", questions))
