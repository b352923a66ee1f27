"""A stage that measures something that pdsl has no name for."""

from collections.abc import Iterable

from _studio import chats, sft

from pipeline_dsl import CausalModel, Chats, EvalReport, Metric, Pipeline, Ref, Stage, Workspace, held_out, metric

POLITENESS = Metric(name="politeness", unit="percent", better="higher", family="quality")


class Politeness(Stage[EvalReport]):
    """How often a model says please."""

    model: Ref[CausalModel]
    chats: Ref[Chats] = held_out()
    share: float = 0.5

    def measures(self) -> Iterable[Metric]:
        yield POLITENESS

    def run(self, work: Workspace) -> EvalReport:
        raise NotImplementedError


half = Politeness(model=sft, chats=chats)
whole = Politeness(model=sft, chats=chats, share=1)

pipeline = Pipeline(name="polite", targets=[half, whole], gates=[metric("politeness", of=whole) >= 80])
