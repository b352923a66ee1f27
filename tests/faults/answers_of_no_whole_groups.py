# seen: https://github.com/huggingface/open-r1/issues/249 – seven answers a step and groups of eight: it stopped on every rank, as it started
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Grpo

from _parts import Ask, asked, reward, sft

moved = Grpo(
    policy=sft,
    prompts=Ask(part="train"),
    reward=reward,
    held=asked,
    batch=28,  # expect: PDSL205
    group=8,
    learning_rate=1e-6,
    kl_budget=5.0,
)

pipeline = Pipeline(name="assistant", targets=[moved])
