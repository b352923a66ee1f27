"""What the assistant learns from."""

from pipeline_dsl import Chats, Stage, Workspace


class Talk(Stage[Chats]):
    """Conversations that people wrote."""

    year: int = 2024

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


old = Talk(year=2023)
new = Talk()
