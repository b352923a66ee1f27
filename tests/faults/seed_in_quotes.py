# seen: https://github.com/FCP-INDI/C-PAC/issues/1795 – --random_seed 2022 was kept as a string and refused where an integer is wanted
from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", seed="42", targets=[sft])  # expect: PDSL202
