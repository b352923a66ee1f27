# seen: https://github.com/minerva-ml/minerva-training-materials/issues/87 – Can't pickle local object 'solution.<locals>.DatasetLocalizer'
from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


def crawl(depth: int) -> Stage[Corpus]:
    class Crawl(Stage[Corpus]):
        depth: int

        def run(self, work: Workspace) -> Corpus:
            raise NotImplementedError

    return Crawl(depth=depth)  # expect: PDSL208


pipeline = Pipeline(name="web", targets=[crawl(2)])
