# seen: https://github.com/NVIDIA-NeMo/Anonymizer/issues/215 – a label that is not of the known ones is dropped, and nobody is told
from collections.abc import Iterable
from typing import Any

from pipeline_dsl import Chats, Pipeline, Stage, Workspace
from pipeline_dsl.lang.label import Label

from _hub import Sft, mistral


class Mail(Stage[Chats]):
    """What customers wrote."""

    def labels(self) -> Iterable[Any]:
        return (Label("pii"),)  # type: ignore[arg-type]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


mails = Mail()  # expect: PDSL209
model = Sft(base=mistral, data=mails)

pipeline = Pipeline(name="support", targets=[model])
