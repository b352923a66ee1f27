# seen: https://github.com/vllm-project/vllm/pull/44286 – a longer max_model_len than the positions: garbage, then an illegal memory access
from pipeline_dsl import Budget, CausalModel, Count, Pipeline, QuantizedModel, Ref, ServerSpec, Stage, Workspace, baseline, metric

from _parts import after, before, policy


class Vllm(Stage[ServerSpec]):
    """A server of the team's own."""

    runtimes = ("compressed-tensors", "awq")

    model: Ref[CausalModel | QuantizedModel]
    draft: Ref[CausalModel] | None = None
    max_model_len: Count = 512
    chat_template: str | None = None

    def run(self, work: Workspace) -> ServerSpec:
        raise NotImplementedError


server = Vllm(
    model=policy,
    max_model_len=32_768,  # expect: PDSL223
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
