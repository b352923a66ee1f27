# seen: https://github.com/huggingface/diffusers/issues/6916 – the hub_token of the command line was published on the run's page
from pipeline_dsl import Chats, Pipeline, Stage, Workspace


class Download(Stage[Chats]):
    repository: str
    token: str

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


chats = Download(
    repository="team/chats",
    token="hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz01234567",  # expect: PDSL207
)

pipeline = Pipeline(name="chats", targets=[chats])
