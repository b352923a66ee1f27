# seen: https://github.com/lebrice/SimpleParsing/issues/181 – a type that is only a name when its class is read: NameError before anything ran
from __future__ import annotations

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Crawl(Stage[Corpus]):
    depth: Depth = 2

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


web = Crawl(depth=3)  # expect: PDSL208

pipeline = Pipeline(name="web", targets=[web])
