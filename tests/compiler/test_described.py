"""What a stage of a type of one's own tells a plan, for whoever does not have the type."""

from typing import Any

import pytest

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace
from pipeline_dsl.compiler.compile import compile_loaded, planned
from pipeline_dsl.compiler.load import Loaded


class Answers(Stage[Corpus]):
    """A source whose answers are properties."""

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError

    @property
    def vocabulary(self) -> int:
        return 512

    @property
    def runtimes(self) -> Any:
        return ("vllm", "sglang")


class Refuses(Answers):
    """The same, where one fails and one has no spelling."""

    @property
    def vocabulary(self) -> int:
        raise LookupError("the file is not there yet")

    @property
    def runtimes(self) -> Any:
        return object()


def declared(stage: Stage[Any]) -> Any:
    compiled = compile_loaded(Loaded(Pipeline(name="answers", targets=[stage]), (), "", ""))
    assert compiled.facts is not None, compiled.diagnostics
    return planned(compiled.facts).stages[0].declares


@pytest.mark.parametrize(("stage", "said"), [(Answers(), {"vocabulary": 512, "runtimes": ["vllm", "sglang"]}), (Refuses(), None)])
def test_a_plan_says_what_a_property_answers_if_it_answers_plainly(stage: Stage[Any], said: Any) -> None:
    assert declared(stage).get("attributes") == said
