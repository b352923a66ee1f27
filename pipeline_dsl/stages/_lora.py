"""What stages that train adapters have in common: the faults of their declaration, and what is written of an adapter."""

from collections.abc import Iterator
from typing import Any

from pipeline_dsl.lang.adapter import LINEAR, Lora
from pipeline_dsl.lang.artifacts import CausalModel
from pipeline_dsl.lang.stage import Problem, Ref
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages._tuning import FineTuning


def lora_problems(stage: FineTuning[Any], lora: Lora) -> Iterator[Problem]:
    """What keeps `lora` from being trained by `stage`."""
    faults = lora.problems()
    for fault in faults:
        yield Problem("lora", fault, "Lora(rank=16, alpha=32) is usual, with all matrices of a layer")
    absent = [name for name in lora.targets if name not in LINEAR]
    if absent and not faults and type(stage).__module__.startswith("pipeline_dsl."):
        message = f"the layers of a Llama have no matrix called {', '.join(map('`{}`'.format, absent))}"
        yield Problem("lora", message, f"leave `targets` out for all of them, or name some of {', '.join(LINEAR)}")
    if lora.base == "nf4" and stage.zero_stage == 3 and stage.processes > 1:
        message = "ZeRO-3 divides the weights, and 4-bit weights stay whole on each process"
        yield Problem("zero_stage", message, 'zero_stage=2, or `Lora(base="bf16")`')


def adapter_fields(work: Workspace, base: Ref[CausalModel], lora: Lora) -> dict[str, Any]:
    """The metadata of the adapter in `work.output`, trained beside `base`."""
    from pipeline_dsl.ml.lora import size

    return {
        "base": work.digest(base),
        "rank": lora.rank,
        "alpha": lora.alpha,
        "targets": lora.targets,
        "held": lora.base,
        "parameters": size(work.output),
    }
