# seen: https://github.com/niznik-dev/cruijff_kit/issues/295 – the newest version is pulled, so that later runs differ without a word
from pipeline_dsl import Chats, Pipeline, Stage, Workspace

from _parts import Sft, base


class HubChats(Stage[Chats]):
    """Conversations of a data set that somebody published."""

    repository: str
    revision: str | None = None

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


chats = HubChats(
    repository="team/chats",  # expect: PDSL241
)
sft = Sft(base=base, data=chats)

pipeline = Pipeline(name="assistant", targets=[sft])
