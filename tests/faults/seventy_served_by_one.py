# seen: https://github.com/EleutherAI/lm-evaluation-harness/issues/1804 – 65 billion parameters loaded onto one 80 GB card, out of memory
from pipeline_dsl import H100, CausalModel, Count, Hardware, Pipeline, Ref, ServerSpec, Stage, Workspace
from pipeline_dsl.stages import Evaluate

from _cluster import SEVENTY
from _hub import BASELINE, BUDGET, GATES, suite
from _parts import TASKS


class Vllm(Stage[ServerSpec]):
    """A server of the team's own."""

    model: Ref[CausalModel]
    tensor_parallel_size: Count = 1

    def run(self, work: Workspace) -> ServerSpec:
        raise NotImplementedError


report = Evaluate(model=SEVENTY, suite=suite, tasks=TASKS, dtype="bfloat16", on=Hardware(device=H100, count=8))
server = Vllm(
    model=SEVENTY,
    on=Hardware(device=H100),  # expect: PDSL320
)

pipeline = Pipeline(name="seventy", targets=[server, report], gates=GATES, baseline=BASELINE, budget=BUDGET)
