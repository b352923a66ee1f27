# seen: the Open LLM Leaderboard (Beeching et al., 2023), with ARC named twice broken
from pipeline_dsl import EvalSuite, Pipeline, Stage, Workspace
from pipeline_dsl.stages import Evaluate, Task

from _parts import sft


class Harness(Stage[EvalSuite]):
    """Tasks of the harness."""

    evaluation = True

    tasks: tuple[str, ...]

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


suite = Harness(
    tasks=("arc_challenge", "hellaswag", "mmlu", "arc_challenge"),  # expect: PDSL234
)
report = Evaluate(model=sft, suite=suite, tasks=(Task(name="hellaswag"),))

pipeline = Pipeline(name="measured", targets=[report])
