# seen: https://github.com/skypilot-org/skypilot/pull/1166 – KeyError: 'A100', out of the table that the launch looks into
from pipeline_dsl import Corpus, Pipeline, Sizes, Stage, Work, Workspace

PRICES = {"small": 1.0, "large": 8.0}


class Crawl(Stage[Corpus]):
    depth: str = "small"

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=PRICES[self.depth])

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


web = Crawl(depth="middling")  # expect: PDSL209

pipeline = Pipeline(name="web", targets=[web])
