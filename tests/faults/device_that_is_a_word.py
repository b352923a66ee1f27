# seen: https://github.com/skypilot-org/skypilot/issues/4652 – eight H200 were listed, and priced, as the accelerator 'NVIDIA'
from pipeline_dsl import Hardware, Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], on=Hardware(device="H100", count=8))  # expect: PDSL202
