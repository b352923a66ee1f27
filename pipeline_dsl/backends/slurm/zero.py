"""What DeepSpeed is told by each stage that trains on it: the very settings that its ranks make when it runs, for a reviewer to read."""

import json
from collections.abc import Iterator

from pipeline_dsl.ml.deepspeed import divided
from pipeline_dsl.plan.plan import Plan, PlannedStage
from pipeline_dsl.render.backend import Rendered


def configurations(plan: Plan) -> Iterator[Rendered]:
    """A file for each stage of ours that trains on DeepSpeed."""
    for stage in plan.stages:
        if _on_deepspeed(stage):
            fields, ranks = stage.fields, _ranks(stage)
            told = divided(
                batch=fields["batch"],
                micro_batch=fields["micro_batch"] or fields["batch"] // ranks,
                ranks=ranks,
                stage=fields["zero_stage"],
                clip=fields["clip"],
                bf16=fields["precision"] == "bf16",
                fp16=fields["precision"] == "fp16",
                offload=fields["offload"],
            )
            yield Rendered(f"{stage.name}.deepspeed.json", json.dumps(told, indent=2) + "\n")


def _ranks(stage: PlannedStage) -> int:
    return stage.execution.get("ranks") or stage.fields["processes"]


def _on_deepspeed(stage: PlannedStage) -> bool:
    """Whether a stage is one of ours that trains on DeepSpeed; one process alone fine-tunes without it, unless it offloads."""
    if not stage.type.startswith("pipeline_dsl.stages.") or "zero_stage" not in stage.fields:
        return False
    tunes = "epochs" in stage.fields
    return not tunes or _ranks(stage) > 1 or stage.fields["offload"] != "none"
