"""A reward model predicts no token, so it cannot sit an exam that asks for some."""

from pipeline_dsl import Pipeline
from stages import Evaluate, Judge, Pretrain, Questions, Sft, Talk, TrainReward

sft = Sft(base=Pretrain(), data=Talk(path="chats"))
reward = TrainReward(base=sft, data=Judge(path="pairs"))
report = Evaluate(model=reward, suite=Questions(path="exam"))
#                       ^^^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[report])
