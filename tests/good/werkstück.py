"""Wörter, 文字 und Ζeichen, die nicht in ASCII sind: in Namen von Python, in Kommentaren und in Werten."""

from pipeline_dsl import Corpus, Pipeline, Stage, Workspace


class Büchersammlung(Stage[Corpus]):
    """本 und βιβλία."""

    größe: int = 1
    titel: tuple[str, ...] = ()

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


bücher = Büchersammlung(name="buecher", größe=3, titel=("Der Zauberberg", "源氏物語", "😀"))

pipeline = Pipeline(name="werk", version="1.0-β", targets=[bücher])
