# seen: QLoRA (arXiv:2305.14314) with AWQ after it, with the merge between them broken
from pipeline_dsl import Lora, Pipeline
from pipeline_dsl.stages import LoraSft, Quantize

from _parts import TASKS, base, chats, suite

adapter = LoraSft(base=base, data=chats, lora=Lora(rank=16, base="nf4"), learning_rate=1e-5)
packed = Quantize(
    model=adapter,  # expect: PDSL201
    calibration=chats,
    suite=suite,
    tasks=TASKS,
)

pipeline = Pipeline(name="assistant", targets=[packed])
