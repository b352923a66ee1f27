# seen: https://github.com/vllm-project/vllm/issues/596 – attention heads must be divisible by the tensor parallel size of 3
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
    tensor_parallel_size=3,  # expect: PDSL325
    on=Hardware(device=H100, count=3),
)

pipeline = Pipeline(name="seventy", targets=[server, report], gates=GATES, baseline=BASELINE, budget=BUDGET)
