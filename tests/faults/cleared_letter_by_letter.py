# seen: https://github.com/obspy/obspy/pull/1293 – one string in parentheses without a comma is read letter by letter, and nothing fails
from collections.abc import Collection

from pipeline_dsl import Chats, Pipeline, Ref, Stage, Workspace

from _hub import Sft, Told, mistral


class Redact(Stage[Chats]):
    """Take out names and addresses."""

    chats: Ref[Chats]

    def clears(self) -> Collection[str]:  # type: ignore[override]
        return "personal"

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


mails = Told(repository="our/support", licence="LicenseRef-ours", personal=True)
clean = Redact(chats=mails)  # expect: PDSL209
model = Sft(base=mistral, data=clean)

pipeline = Pipeline(name="support", targets=[model])
