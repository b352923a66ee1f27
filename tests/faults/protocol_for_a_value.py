# seen: https://github.com/huggingface/search-and-learn/issues/10 – an object in the arguments could not be hashed: a random hash was used instead
"""What implements it could not be told from the plan."""

from typing import Protocol

import attrs

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Rule(Protocol):
    def holds(self, text: str) -> bool: ...


@attrs.frozen
class Longer:
    than: int

    def holds(self, text: str) -> bool:
        return len(text) > self.than


class Keep(Stage[Corpus]):
    rule: Rule

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


long = Keep(rule=Longer(200))  # expect: PDSL204

pipeline = Pipeline(name="long", targets=[long])
