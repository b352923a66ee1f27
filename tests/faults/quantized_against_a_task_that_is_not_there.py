# seen: https://github.com/EleutherAI/lm-evaluation-harness/issues/1304 – KeyError: winogrande, for a quantized model
from pipeline_dsl import EvalSuite, Pipeline, Stage, Workspace
from pipeline_dsl.stages import Quantize, Task

from _parts import chats, policy


class Harness(Stage[EvalSuite]):
    """Tasks of the harness."""

    evaluation = True

    tasks: tuple[str, ...]

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


suite = Harness(tasks=("squadv2", "scrolls_quality"))
quantized = Quantize(
    model=policy,
    calibration=chats,
    suite=suite,
    tasks=(Task(name="winogrande"),),  # expect: PDSL233
)

pipeline = Pipeline(name="small", targets=[quantized])
