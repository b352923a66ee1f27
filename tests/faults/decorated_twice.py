# seen: README.md, "A stage of your own", with its class broken by a decorator that makes it again, as one that can be changed
import attrs

from pipeline_dsl import Corpus, Pipeline, Ref, Stage, Workspace

from _parts import unique


@attrs.define  # expect: PDSL101
class Shorten(Stage[Corpus]):
    """Drop what is longer than a limit."""

    corpus: Ref[Corpus]
    limit: int = 2000

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


pipeline = Pipeline(name="short", targets=[Shorten(corpus=unique)])
