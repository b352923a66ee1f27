# seen: Alpaca's recipe (tatsu-lab), with the count of its instructions broken: a stage of the team's own gives it in words
from pipeline_dsl import Chats, Pipeline, Size, Sizes, Stage, Workspace

from _hub import mistral
from _parts import Sft


class Instructions(Stage[Chats]):
    """Instructions with answers."""

    def size(self, sizes: Sizes) -> Size:
        return Size(examples="52k")  # pyright: ignore[reportArgumentType]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


instructions = Instructions()  # expect: PDSL209
sft = Sft(base=mistral, data=instructions)

pipeline = Pipeline(name="alpaca", targets=[sft])
