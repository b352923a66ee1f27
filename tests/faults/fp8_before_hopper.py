# seen: https://github.com/gpustack/gpustack/issues/1774 – which number formats a GPU has is found out when the job is already scheduled on it
from typing import Literal

from pipeline_dsl import A100_80, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data


class Eighth(Megatron):
    """The same engine, with matrix products in 8 bits."""

    precision: Literal["bf16", "fp8"] = "bf16"  # type: ignore[assignment]


base = Eighth(
    **data(),
    **RUN,
    precision="fp8",  # expect: PDSL330
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(tensor=2),
    on=Hardware(device=A100_80, count=8, nodes=16),
)

pipeline = Pipeline(name="fp8-before-hopper", targets=[base])
