# seen: https://github.com/UKGovernmentBEIS/inspect_evals/pull/1021 – 78 evaluations followed whatever their data sets became
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
    revision="refs/heads/v2",  # expect: PDSL240
)
sft = Sft(base=base, data=chats)

pipeline = Pipeline(name="assistant", targets=[sft])
