# seen: https://github.com/EleutherAI/lm-evaluation-harness/issues/1512 – Tasks not found: a dash for an underscore
from pipeline_dsl import EvalSuite, Pipeline, Stage, Workspace
from pipeline_dsl.stages import Evaluate, Task

from _parts import sft


class Harness(Stage[EvalSuite]):
    """Tasks of the harness."""

    evaluation = True

    tasks: tuple[str, ...]

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


suite = Harness(tasks=("arc_challenge", "gsm8k"))
report = Evaluate(
    model=sft,
    suite=suite,
    tasks=(Task(name="gsm8k"), Task(name="arc-challenge")),  # expect: PDSL233
)

pipeline = Pipeline(name="measured", targets=[report])
