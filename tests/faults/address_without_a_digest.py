# seen: https://github.com/scitix/sieval/pull/8 – data from an address has no commit, and was fetched without a checksum
from pipeline_dsl import Pipeline, Source, Stage, Workspace
from pipeline_dsl.stages import Ingest


class Download(Stage[Source]):
    """An archive from an address."""

    url: str
    licence: str = "CC0-1.0"

    def run(self, work: Workspace) -> Source:
        raise NotImplementedError


archive = Download(
    url="https://data.example/dump-latest.tar.gz",  # expect: PDSL241
)
text = Ingest(sources=(archive,), filters=(), languages=("en",))

pipeline = Pipeline(name="text", targets=[text])
