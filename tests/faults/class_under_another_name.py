# seen: https://github.com/kuangliu/pytorch-cifar/issues/20 – the class was not found under its name when the checkpoint was read
"""Where it runs, a stage type is looked up by its name."""

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Crawl(Stage[Corpus]):
    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


Spider = Crawl
del Crawl
web = Spider()  # expect: PDSL208

pipeline = Pipeline(name="web", targets=[web])
