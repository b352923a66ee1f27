# seen: https://github.com/PrefectHQ/prefect/issues/15633 – a future was not resolved, and reached the worker as it was
from typing import Any

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace

from _parts import Talk


class Mix(Stage[Corpus]):
    parts: Any

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


mixed = Mix(parts={"talk": Talk()})  # expect: PDSL202

pipeline = Pipeline(name="mixed", targets=[mixed])
