# seen: tests/good/several_inputs.py, with the type of an input broken: an architecture is no artifact, and anything would be taken for one
from typing import Any

from pipeline_dsl import Chats, Llama, Pipeline, Ref, Stage, Workspace

from _parts import chats


class Rephrase(Stage[Chats]):
    """Say it in other words."""

    chats: Ref[Chats]
    writer: Ref[Llama]  # type: ignore[type-var]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


writer: Any = chats
again = Rephrase(chats=chats, writer=writer)  # expect: PDSL208

pipeline = Pipeline(name="rephrased", targets=[again])
