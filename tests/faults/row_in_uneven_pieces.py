# seen: https://github.com/feifeibear/long-context-attention/issues/154 – rows of 8,423 tokens that sequence parallelism cannot divide
import attrs

from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data
from _parts import SEVEN

base = Megatron(
    **data(8_423),
    **{**RUN, "model": attrs.evolve(SEVEN, context=8_448)},
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(context=4),  # expect: PDSL345
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="row-in-uneven-pieces", targets=[base])
