"""A user's own artifact and stage types, and a subclass of somebody's stage."""

from collections.abc import Iterator

from pipeline_dsl import Artifact, Checkpoint, Problem, Ref, Size, Sizes, Stage, Work, Workspace, execution
from stages import Pretrain, Sft, Talk


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


class LongerPretrain(Pretrain):
    """Another default, one more field."""

    steps: int = 1000
    warmup: int = 10


base = LongerPretrain(warmup=5)
sft = Sft(base=base, data=Talk(path="chats"))
card = Summarize(model=base, others=(base, Pretrain()))
