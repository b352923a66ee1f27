# seen: https://github.com/myntra/pipeline/issues/2 – after a step that succeeded there was no result to look at
from pipeline_dsl import Pipeline, Stage, Workspace


class Cleanup(Stage):
    folder: str = "tmp"

    def run(self, work: Workspace) -> None:
        raise NotImplementedError


clean = Cleanup()  # expect: PDSL208

pipeline = Pipeline(name="clean", targets=[clean])
