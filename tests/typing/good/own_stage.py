"""A user's own artifact and stage types, and a subclass of somebody's stage."""

from collections.abc import Iterator

from pipeline_dsl import Artifact, Checkpoint, Problem, Ref, Size, Sizes, Stage, Work, Workspace, execution
from pipeline_dsl.stages import Sft
from studio import base, chats


class Summary(Artifact):
    """A model card."""

    files = ("card.md",)

    words: int


class Summarize(Stage[Summary]):
    """Writes the card of one model."""

    model: Ref[Checkpoint]
    others: tuple[Ref[Checkpoint], ...] = ()
    style: str = "plain"
    retries: int = execution(default=3)

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=sizes[self.model].examples)

    def cost(self, sizes: Sizes) -> Work:
        return Work()

    def problems(self) -> Iterator[Problem]:
        if not self.style:
            yield Problem("style", "no style", "name one")

    def run(self, work: Workspace) -> Summary:
        text = f"{work.meta(self.model).parameters} parameters, {self.style}"
        (work.output / "card.md").write_text(text)
        return Summary(words=len(text.split()))


class GentleSft(Sft):
    """Another default, one more field."""

    learning_rate: float = 1e-5
    patience: int = 10


sft = GentleSft(base=base, data=chats, patience=5)
card = Summarize(model=base, others=(base,), name="card")
