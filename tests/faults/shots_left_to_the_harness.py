# seen: https://github.com/TIGER-AI-Lab/MMLU-Pro/issues/71 – five shots or none, and the points are very different
from collections.abc import Iterable

from pipeline_dsl import CausalModel, EvalReport, EvalSuite, Pipeline, Ref, Stage, Workspace, held_out, metric

from _parts import policy, suite


class Harness(Stage[EvalReport]):
    """Scores by the harness."""

    model: Ref[CausalModel]
    suite: Ref[EvalSuite] = held_out()
    num_fewshot: int | None = None

    def measures(self) -> Iterable[str]:
        return ("mmlu",)

    def run(self, work: Workspace) -> EvalReport:
        raise NotImplementedError


report = Harness(
    model=policy,
    suite=suite,
    num_fewshot=None,  # expect: PDSL245
)

pipeline = Pipeline(name="measured", targets=[report], gates=[metric("mmlu") >= 40])
