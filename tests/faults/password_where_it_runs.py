# seen: https://github.com/allenai/rslearn/issues/687 – the resolved configuration, with user:password@host in it, was uploaded
from pipeline_dsl import Chats, Pipeline, Stage, Workspace, execution


class Download(Stage[Chats]):
    mirror: str = execution(default="")

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


chats = Download(mirror="https://team:" + "correct-horse@mirror.example/chats")  # expect: PDSL207

pipeline = Pipeline(name="chats", targets=[chats])
