# seen: https://github.com/Stability-AI/lm-evaluation-harness/issues/83 – a 7B model takes 26 GB in the harness, which loads it in fp32
from pipeline_dsl import A10G, Hardware, Pipeline
from pipeline_dsl.stages import Evaluate

from _hub import mistral
from _parts import TASKS, suite

report = Evaluate(
    model=mistral,
    suite=suite,
    tasks=TASKS[:1],
    dtype="float32",  # expect: PDSL320
    on=Hardware(device=A10G),
)

pipeline = Pipeline(name="leaderboard", targets=[report])
