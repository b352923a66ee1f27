# seen: Llama 2 70B (arXiv:2307.09288) on a node of eight, with its server broken: four GPUs are left, and eight are told to share it
from pipeline_dsl import H100, Count, Hardware, Pipeline
from pipeline_dsl.stages import Evaluate, Serve

from _cluster import SEVENTY
from _hub import BASELINE, BUDGET, GATES, suite
from _parts import TASKS, asked


class Vllm(Serve):
    """A server on an engine that shares matrices between devices."""

    tensor_parallel_size: Count = 1


report = Evaluate(model=SEVENTY, suite=suite, tasks=TASKS, dtype="bfloat16", on=Hardware(device=H100, count=8))
server = Vllm(
    model=SEVENTY,
    prompts=asked,
    dtype="bfloat16",
    tensor_parallel_size=8,  # expect: PDSL323
    on=Hardware(device=H100, count=4),
)

pipeline = Pipeline(name="seventy", targets=[server, report], gates=GATES, baseline=BASELINE, budget=BUDGET)
