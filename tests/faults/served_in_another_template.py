# seen: https://github.com/lm-sys/FastChat/issues/2659 – MT-bench 6.86 in the server's template, 7.11 in the model's own
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
    chat_template="{% for message in messages %}[INST] {{ message.content }} [/INST]{{ eos_token }}{% endfor %}",  # expect: PDSL224
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
