# seen: https://github.com/marimo-team/marimo/issues/9829 – a set's order changed the key from process to process, and nothing was reused
"""The order of a set differs between processes."""

from collections.abc import Collection

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Crawl(Stage[Corpus]):
    hosts: Collection[str]

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


web = Crawl(hosts={"one.example", "two.example"})  # expect: PDSL204

pipeline = Pipeline(name="web", targets=[web])
