# seen: https://github.com/vllm-project/vllm/issues/9913 – AWQ in groups of 128 of a model that is 10,944 wide, refused by the kernel
import attrs

from pipeline_dsl import H100, Hardware, Pipeline
from pipeline_dsl.stages import Quantize

from _hub import Weights
from _parts import SEVEN, TASKS, chats, suite

lite = Weights(licence="MIT", model=attrs.evolve(SEVEN, ffn=10_944))
quantized = Quantize(
    model=lite,
    calibration=chats,
    suite=suite,
    tasks=TASKS[:1],
    group=128,  # expect: PDSL344
    on=Hardware(device=H100),
)

pipeline = Pipeline(name="packed", targets=[quantized])
