# seen: https://github.com/huggingface/trl/pull/3199 – one generation a prompt, which divides every batch and compares with nothing
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Grpo

from _parts import Ask, asked, reward, sft

moved = Grpo(
    policy=sft,
    prompts=Ask(part="train"),
    reward=reward,
    held=asked,
    batch=8,
    group=1,  # expect: PDSL205
    learning_rate=1e-6,
    kl_budget=5.0,
)

pipeline = Pipeline(name="assistant", targets=[moved])
