# seen: https://github.com/huggingface/transformers/pull/31142 – nobody said that less is better, and the worst model was saved
from collections.abc import Iterable
from typing import Any

from pipeline_dsl import EvalReport, Metric, Pipeline, Ref, SftModel, Stage, Workspace, metric

from _parts import sft

LOSS = Metric(name="loss_on_code", unit="nats/token", better="min", family="quality")  # type: ignore[arg-type]


class Loss(Stage[EvalReport]):
    """Loss on code."""

    model: Ref[SftModel]

    def measures(self) -> Iterable[Any]:
        return (LOSS,)

    def run(self, work: Workspace) -> EvalReport:
        raise NotImplementedError


loss = Loss(model=sft)  # expect: PDSL209

pipeline = Pipeline(name="code", targets=[loss], gates=[metric("loss_on_code") <= 1.5])
