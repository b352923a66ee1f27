# seen: https://github.com/GindaChen/nsys-ai/issues/589 – an MFU above 100% was taken for a result
from pipeline_dsl import H100, Hardware, Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], on=Hardware(device=H100, count=8, mfu=40))  # expect: PDSL306
