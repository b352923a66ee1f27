# seen: https://github.com/NVIDIA/ChatRTX/issues/43 – Unsupported AWQ quantized checkpoint format, when the engine was built
from pipeline_dsl import CPU_CORE, Budget, Hardware, Pipeline, QuantizedModel, Ref, ServerSpec, Stage, Workspace, baseline, metric
from pipeline_dsl.stages import Quantize

from _parts import TASKS, after, before, chats, policy, suite


class Triton(Stage[ServerSpec]):
    """A server of the team's own."""

    runtimes = ("tensorrt-llm",)

    model: Ref[QuantizedModel]

    def run(self, work: Workspace) -> ServerSpec:
        raise NotImplementedError


quantized = Quantize(model=policy, calibration=chats, suite=suite, tasks=TASKS, runtime="tensorrt-llm")
server = Triton(
    model=quantized,  # expect: PDSL231
    on=Hardware(device=CPU_CORE, count=64),
)

pipeline = Pipeline(
    name="assistant",
    targets=[server, after],
    gates=[
        metric("mmlu") >= baseline - 6,
        metric("safety_violation_rate") <= 0.05,
        metric("kl_from_reference") <= 25,
        metric("cost_total_usd") <= 500,
    ],
    baseline=before,
    budget=Budget(usd=1_000, kl=25),
)
