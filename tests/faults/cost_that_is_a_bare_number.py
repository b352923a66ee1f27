# seen: https://github.com/hassanhabib/The-Standard-Agent/pull/354 – a cost without its rate counted as zero dollars for ever
from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Crawl(Stage[Corpus]):
    def cost(self, sizes):
        return 3600.0

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


web = Crawl()  # expect: PDSL209

pipeline = Pipeline(name="web", targets=[web])
