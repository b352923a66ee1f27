# seen: https://github.com/autogluon/fev/issues/7 – a fingerprint that changes with every commit to the repository under it
from pipeline_dsl import Corpus, Pipeline, Stage, Workspace
from pipeline_dsl.stages import Deduplicate


class News(Stage[Corpus]):
    """What the papers write today."""

    movable = True

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


text = Deduplicate(
    corpora=(News(),),
    pin="sha256:4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b",  # expect: PDSL242
)

pipeline = Pipeline(name="text", targets=[text])
