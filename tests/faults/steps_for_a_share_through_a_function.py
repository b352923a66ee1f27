# seen: https://github.com/Nerogar/OneTrainer/pull/558 – warm-up in steps or as a share of them, told apart by nothing but the number
from typing import Any

from pipeline_dsl import Pipeline, SftModel, Stage
from pipeline_dsl.stages import Sft

from _parts import base, chats


def tuned(rate: float, **more: Any) -> Stage[SftModel]:
    """Sft at a rate, with whatever else is asked for."""
    return Sft(base=base, data=chats, learning_rate=rate, **more)


low, high = (
    tuned(5e-6),
    tuned(
        1e-5,
        epochs=2,
        warmup=100,  # expect: PDSL203
    ),
)

pipeline = Pipeline(name="small", targets=[low, high])
