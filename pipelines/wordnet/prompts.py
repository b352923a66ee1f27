"""Questions without answers."""

from typing import Literal

from pipeline_dsl import Count, Prompts, Ref, Size, Sizes, Source, Stage, Workspace
from pipeline_dsl.base.units import Tokens
from pipelines.wordnet import rows
from pipelines.wordnet.nouns import Part, at_most, half, nouns, shuffled
from pipelines.wordnet.questions import request, user, what_kind


class Asked(Stage[Prompts]):
    """Requests for things of which some are harmful, questions about kinds of things, or as many of each.

    The nouns are those of the half that `Lessons` leaves out.
    """

    dictionary: Ref[Source]
    part: Part
    about: Literal["requests", "kinds", "both"]
    variants: Count = 1
    """Wordings of each request."""
    limit: Count = 1000

    def holds_evaluation_data(self) -> bool:
        return self.part != "train"

    def size(self, sizes: Sizes) -> Size:
        examples = self.limit
        return Size(examples=examples, tokens=Tokens(35 * examples))

    def run(self, work: Workspace) -> Prompts:
        known = half(nouns(work.path(self.dictionary), self.part), 1)
        requests = [request(noun, variant) for noun in known if noun.harmful is not None for variant in range(self.variants)]
        kinds = [what_kind(noun) for noun in at_most(self.limit, known)]
        share = self.limit // 2 if self.about == "both" else self.limit
        asked = [*(requests[:share] if self.about != "kinds" else ()), *(kinds[:share] if self.about != "requests" else ())]
        questions = [{"prompt": user(question)} for question in shuffled(asked, key=str)]
        return Prompts(prompts=rows.write(work.output / "prompts.jsonl", questions))
