# seen: https://github.com/huggingface/trl/issues/1500 – log-probabilities of a model that is not the one that training began as
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Grpo

from _parts import Ask, Sft, Talk, asked, base, policy, reward

other = Sft(base=base, data=Talk(year=2021))
better = Grpo(
    policy=policy,
    reference=other,  # expect: PDSL227
    prompts=Ask(part="train"),
    reward=reward,
    held=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
)

pipeline = Pipeline(name="assistant", targets=[better])
