# seen: https://github.com/kundajelab/dragonn/issues/45 – metric='auPRG' by default where the library measures auPRC
from pipeline_dsl import EvalReport, EvalSuite, Pipeline, Ref, Stage, Weights, Workspace, held_out

from _parts import sft, suite


class Ask(Stage[EvalReport]):
    model: Ref[Weights]
    suite: Ref[EvalSuite] = held_out()

    def measures(self) -> tuple[str, ...]:
        return ("mmul",)

    def run(self, work: Workspace) -> EvalReport:
        raise NotImplementedError


report = Ask(model=sft, suite=suite)  # expect: PDSL502

pipeline = Pipeline(name="measured", targets=[report])
