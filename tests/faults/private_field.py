# seen: https://github.com/python-attrs/attrs/issues/171 – `_bar` is declared, and the constructor takes `bar`
from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Crawl(Stage[Corpus]):
    _depth: int = 2

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


web = Crawl(depth=3)  # expect: PDSL208

pipeline = Pipeline(name="web", targets=[web])
