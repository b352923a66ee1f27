# seen: https://github.com/home-assistant/core/pull/18777 – a method that each subclass must bring was never written, and nothing said so
from pipeline_dsl import Corpus, Pipeline, Stage


class Crawl(Stage[Corpus]):
    depth: int = 2


web = Crawl()  # expect: PDSL208

pipeline = Pipeline(name="web", targets=[web])
