# seen: https://github.com/huggingface/datasets/issues/4521 – a function could not be hashed; a random hash was used and nothing was reused
from collections.abc import Callable

from pipeline_dsl import Corpus, Pipeline, Ref, Stage, Workspace

from _parts import unique


class Keep(Stage[Corpus]):
    corpus: Ref[Corpus]
    rule: Callable[[str], bool]

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


long = Keep(
    corpus=unique,
    rule=lambda text: len(text) > 200,  # expect: PDSL204
)

pipeline = Pipeline(name="long", targets=[long])
