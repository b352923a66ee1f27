# seen: https://github.com/niznik-dev/cruijff_kit/issues/295 – load_dataset("acruz/folktexts") pulls whatever the newest version is
from pipeline_dsl import Chats, Pipeline, Stage, Workspace

from _parts import Sft, base


class HubChats(Stage[Chats]):
    """Conversations of the hub, called as `load_dataset` calls its arguments."""

    path: str
    split: str = "train"
    revision: str | None = None

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


chats = HubChats(
    path="team/chats",  # expect: PDSL241
    split="train_sft",
)
sft = Sft(base=base, data=chats)

pipeline = Pipeline(name="assistant", targets=[sft])
