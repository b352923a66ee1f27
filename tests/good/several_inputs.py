"""Inputs in a tuple, in a sequence of any kind, and by name."""

from collections.abc import Mapping, Sequence

from _studio import text, unique

from pipeline_dsl import Corpus, Pipeline, Ref, Stage, Workspace
from pipeline_dsl.stages import Deduplicate


class Mix(Stage[Corpus]):
    """Corpora in shares."""

    parts: Mapping[str, Ref[Corpus]]
    weights: Mapping[str, float]
    more: Sequence[Ref[Corpus]] = ()
    like: dict[str, Ref[Corpus]] | None = None

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


again = Deduplicate(corpora=(text, unique), near=None)
mixed = Mix(parts={"web": unique, "rest": again}, weights={"web": 0.7, "rest": 0.3}, more=[text, unique])

pipeline = Pipeline(name="mixed", targets=[mixed])
