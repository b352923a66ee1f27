from pipeline_dsl import Corpus, Pipeline, Stage


class Crawl(Stage[Corpus]):
    depth: int = 2


web = Crawl()  # expect: PDSL208

pipeline = Pipeline(name="web", targets=[web])
