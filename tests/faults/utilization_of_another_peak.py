# seen: https://github.com/karpathy/nanoGPT/pull/464 – 104% MFU on an H100, taken of the A100's peak
from pipeline_dsl import H100, Hardware, Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], on=Hardware(device=H100, count=8, nodes=4, mfu=0.97))  # expect: PDSL610
