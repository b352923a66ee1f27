# seen: https://github.com/EleutherAI/lm-evaluation-harness/issues/1804 – 65 billion parameters loaded onto one 80 GB card, out of memory
from pipeline_dsl import A100_80, Hardware, Pipeline
from pipeline_dsl.stages import Evaluate

from _cluster import SEVENTY
from _parts import TASKS, suite

report = Evaluate(
    model=SEVENTY,
    suite=suite,
    tasks=TASKS[:1],
    dtype="bfloat16",
    on=Hardware(device=A100_80),  # expect: PDSL320
)

pipeline = Pipeline(name="leaderboard", targets=[report])
