# seen: https://github.com/herniqeu/extract0/issues/1 – one file is read for training, and again for the evaluation
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Dpo

from _parts import Judge, asked, sft

policy = Dpo(
    policy=sft,
    data=Judge(year=2024),
    held=Judge(),  # expect: PDSL236
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="assistant", targets=[policy])
