"""A stage whose artifact brings a README.md of its own."""

from pipeline_dsl import Corpus, Stage, Workspace


class Written(Stage[Corpus]):
    """Writes two files."""

    def run(self, work: Workspace) -> Corpus:
        (work.output / "a.jsonl").write_text("{}\n")
        (work.output / "README.md").write_text("mine")
        return Corpus(documents=1, characters=2)
