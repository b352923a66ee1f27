"""A pipeline in which every artifact goes where it is wanted: no checker has anything to say."""

from pipeline_dsl import Budget, Pipeline, baseline, metric
from stages import Dpo, Evaluate, Judge, Pretrain, Questions, Sft, Talk, TrainReward

chats = Talk(path="chats")
pairs = Judge(path="pairs")
exam = Questions(path="exam")

base = Pretrain(steps=10, log_every=5, name="base")
sft = Sft(base=base, data=chats, epochs=2, learning_rate=3e-4)
reward = TrainReward(base=sft, data=pairs)
dpo = Dpo(policy=sft, data=pairs, reward=reward)

before = Evaluate(model=sft, suite=exam, name="before")
after = Evaluate(model=dpo, suite=exam, name="after")

pipeline = Pipeline(
    name="whole",
    targets=[before, after],
    ships=dpo,
    baseline=before,
    budget=Budget(usd=1, kl=2.0),
    gates=[
        metric("mmlu", of=after) >= baseline + 0.5,
        metric("mmlu", of=after) >= baseline,
        metric("kl_from_reference", of=dpo) <= 25.0,
        metric("cost_total_usd") <= 50_000,
    ],
)
