# seen: https://github.com/ossf/tac/issues/266 – a limit of $1K was agreed on, and nobody could say of what
from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(
    name="assistant",
    targets=[sft],
    budget=500,  # expect: PDSL603
)
