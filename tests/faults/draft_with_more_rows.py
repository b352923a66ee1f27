# seen: https://github.com/vllm-project/vllm/issues/14939 – two models of one family, padded differently: an assertion on vocab_sizes
import attrs
from pipeline_dsl import Budget, CausalModel, Count, Pipeline, QuantizedModel, Ref, ServerSpec, Stage, Workspace, baseline, metric
from pipeline_dsl.stages import Pretrain

from _parts import TINY, after, before, policy, rows, tokenizer, unseen


class Vllm(Stage[ServerSpec]):
    """A server of the team's own."""

    runtimes = ("compressed-tensors", "awq")

    model: Ref[CausalModel | QuantizedModel]
    draft: Ref[CausalModel] | None = None
    max_model_len: Count = 512
    chat_template: str | None = None

    def run(self, work: Workspace) -> ServerSpec:
        raise NotImplementedError


small = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=attrs.evolve(TINY, layers=1, vocabulary=4_224),
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)
server = Vllm(
    model=policy,
    draft=small,  # expect: PDSL232
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
