# seen: https://github.com/NVIDIA/Megatron-Energon/issues/266 – a data set that is reached by two paths is loaded twice, in the same order
from pipeline_dsl import Chats, Pipeline, Ref, Stage, Workspace

from _parts import Sft, Talk, base, chats


class Mix(Stage[Chats]):
    """Conversations of several years."""

    years: tuple[Ref[Chats], ...]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


sft = Sft(
    base=base,
    data=Mix(
        years=(chats, Talk(year=2023), Talk(year=2024)),  # expect: PDSL237
    ),
)

pipeline = Pipeline(name="assistant", targets=[sft])
