# seen: https://github.com/pydantic/pydantic/issues/242 – a field named like a method of its class: reading it gave the method
from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Crawl(Stage[Corpus]):
    cost: float = 2.0

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


web = Crawl()  # expect: PDSL208

pipeline = Pipeline(name="web", targets=[web])
