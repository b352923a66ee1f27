# seen: https://github.com/dask/dask-kubernetes/issues/213 – a default name was made from one that the cluster does not allow
"""A stage without a name is called after its type."""

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Büchersammlung(Stage[Corpus]):
    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


bücher = Büchersammlung()  # expect: PDSL302

pipeline = Pipeline(name="buecher", targets=[bücher])
