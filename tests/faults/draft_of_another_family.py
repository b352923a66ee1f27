# seen: https://github.com/sgl-project/sglang/pull/23838 – Gemma with a draft of StarCoder: every accepted token is silently wrong
from pipeline_dsl import Budget, CausalModel, Count, Pipeline, QuantizedModel, Ref, ServerSpec, Stage, Workspace, baseline, metric
from pipeline_dsl.stages import Pretrain, Tokenize, TrainTokenizer

from _parts import TINY, after, before, policy, train, validation


class Vllm(Stage[ServerSpec]):
    """A server of the team's own."""

    runtimes = ("compressed-tensors", "awq")

    model: Ref[CausalModel | QuantizedModel]
    draft: Ref[CausalModel] | None = None
    max_model_len: Count = 512
    chat_template: str | None = None

    def run(self, work: Workspace) -> ServerSpec:
        raise NotImplementedError


other = TrainTokenizer(corpora=(train,), vocabulary=4_096, split_digits=False)
second = Pretrain(
    data=Tokenize(tokenizer=other, corpora=(train,), length=512),
    validation=Tokenize(tokenizer=other, corpora=(validation,), length=512),
    tokenizer=other,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)
server = Vllm(
    model=policy,
    draft=second,  # expect: PDSL232
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
