"""The assistant."""

from pipeline_dsl import Chats, Pipeline, Ref, Stage, Workspace

from .data import new, old


class Join(Stage[Chats]):
    """Conversations, one after the other."""

    parts: tuple[Ref[Chats], ...]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


joined = Join(parts=(old, new))

pipeline = Pipeline(name="assistant", targets=[joined])
