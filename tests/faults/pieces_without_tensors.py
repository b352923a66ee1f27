# seen: https://github.com/pytorch/torchtitan/issues/1306 – pieces of a row that the tensor-parallel devices do not divide are handled wrongly, without a word
import attrs

from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data
from _parts import SEVEN

base = Megatron(
    **data(4_100),
    **{**RUN, "model": attrs.evolve(SEVEN, context=4_352)},
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(tensor=8, sequence=True),  # expect: PDSL345
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="pieces-without-tensors", targets=[base])
