# seen: https://github.com/alibaba/Pai-Megatron-Patch/issues/103 – AssertionError: 151851 is not divisible by 4
import attrs

from pipeline_dsl import H100, Hardware, Parallel, Pipeline

from _cluster import RUN, Megatron, data
from _parts import SEVEN

base = Megatron(
    **data(vocabulary=151_851),
    **{**RUN, "model": attrs.evolve(SEVEN, vocabulary=151_851)},
    zero_stage=1,
    recompute="full",
    processes=128,
    parallel=Parallel(tensor=4),  # expect: PDSL325
    on=Hardware(device=H100, count=8, nodes=16),
)

pipeline = Pipeline(name="vocabulary-shared-by-four", targets=[base])
