# seen: AWQ of Llama 3 (Lin et al., 2023, arXiv:2306.00978), with MMLU in its average twice broken
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Quantize, Task

from _parts import chats, policy, suite

quantized = Quantize(
    model=policy,
    calibration=chats,
    suite=suite,
    tasks=(Task(name="mmlu"), Task(name="arc"), Task(name="mmlu")),  # expect: PDSL234
)

pipeline = Pipeline(name="small", targets=[quantized])
