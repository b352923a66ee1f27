# seen: https://github.com/OnePunchMonk/vlm-harness/issues/12 – `revision: main` in every manifest
from pipeline_dsl import Chats, Pipeline, Stage, Workspace

from _parts import Sft, base


class HubChats(Stage[Chats]):
    """Conversations of a data set that somebody published."""

    repository: str
    revision: str

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


chats = HubChats(
    repository="team/chats",
    revision="main",  # expect: PDSL240
)
sft = Sft(base=base, data=chats)

pipeline = Pipeline(name="assistant", targets=[sft])
