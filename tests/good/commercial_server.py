"""A product: what it learns from may be sold, what may not is only measured on, and its gates ask what their suite can tell."""

from _studio import TASKS, Sft, Talk, base, prompts, suite

from pipeline_dsl import Budget, Corpus, EvalReport, Pipeline, Ref, Release, SftModel, Stage, Workspace, baseline, held_out, metric
from pipeline_dsl.stages import Evaluate, Serve


class Bought(Talk):
    """Conversations under a contract."""

    licence: str = "LicenseRef-contract-12"
    terms: str = "open"


class Articles(Stage[Corpus]):
    """Text that may be read, and not sold."""

    licence: str = "CC-BY-NC-ND-4.0"

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


class Surprise(Stage[EvalReport]):
    """How well a model predicts text."""

    model: Ref[SftModel]
    text: Ref[Corpus] = held_out()

    def run(self, work: Workspace) -> EvalReport:
        raise NotImplementedError


sft = Sft(base=base, data=Bought())
server = Serve(model=sft, prompts=prompts)
scores = Evaluate(model=sft, suite=suite, tasks=TASKS)
surprise = Surprise(model=sft, text=Articles())

pipeline = Pipeline(
    name="product",
    use="commercial",
    targets=[server, scores, surprise],
    gates=[
        metric("mmlu") >= baseline - 3,
        metric("safety_violation_rate") <= 0.01,
        metric("cost_total_usd") <= 500,
    ],
    baseline=Release(manifest="releases/0.9.0/manifest.yaml"),
    budget=Budget(usd=500),
)
