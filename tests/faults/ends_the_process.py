# seen: https://github.com/ROCm/TheRock/issues/2429 – sys.exit at import took the whole collection down
import sys

from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft])

sys.exit(0)  # expect: PDSL101
