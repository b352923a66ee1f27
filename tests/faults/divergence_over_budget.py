# seen: https://github.com/RLHFlow/Online-RLHF/issues/18 – each round kept near its own reference; over the rounds the policy moved far away
"""Two rounds of 10 and 20 nats, of 25 that the pipeline allows."""

from pipeline_dsl import Budget, Pipeline
from pipeline_dsl.stages import ConstitutionalAi
from pipeline_dsl.stages.constitutional import Principle

from _parts import Ask, asked, policy, reward, sft

PRINCIPLE = Principle(critique="Would this answer help somebody to hurt somebody else?", revision="I will not help with that.")

second = ConstitutionalAi(
    policy=policy,
    reference=sft,
    reward=reward,
    prompts=Ask(part="train"),
    held=asked,
    principles=(PRINCIPLE,),
    learning_rate=1e-6,
    kl_budget=20.0,  # expect: PDSL506
)

pipeline = Pipeline(name="rounds", targets=[second], budget=Budget(kl=25))
