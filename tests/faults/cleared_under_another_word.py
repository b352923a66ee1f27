# seen: https://github.com/NVIDIA-NeMo/Anonymizer/issues/215 – a label that is none of the known words, and personal data slips through
from collections.abc import Collection
from typing import Any

from pipeline_dsl import Chats, Pipeline, Ref, Stage, Workspace

from _hub import Sft, Told, mistral


class Redact(Stage[Chats]):
    """Take out names and addresses."""

    chats: Ref[Chats]

    def clears(self) -> Collection[Any]:
        return ("pii",)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


mails = Told(repository="our/support", licence="LicenseRef-ours", personal=True)
clean = Redact(chats=mails)  # expect: PDSL209
model = Sft(base=mistral, data=clean)

pipeline = Pipeline(name="support", targets=[model])
