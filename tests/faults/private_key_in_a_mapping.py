# seen: https://github.com/dev9com/vault-consul-starter/issues/4 – a private key was committed with the settings
from collections.abc import Mapping

from pipeline_dsl import Chats, Pipeline, Stage, Workspace


class Download(Stage[Chats]):
    options: Mapping[str, str]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


key = "-----BEGIN " + "PRIVATE KEY-----"
chats = Download(options={"region": "eu", "key": key})  # expect: PDSL207

pipeline = Pipeline(name="chats", targets=[chats])
