# seen: https://github.com/lijiayi-ai/Qwen3-FineTuning-Playground/issues/3 – the reward trainer was given rows without `chosen` and `rejected`
from pipeline_dsl import Pipeline

from _parts import TrainReward, chats, compared, sft

reward = TrainReward(base=sft, data=chats, held=compared, learning_rate=1e-5)  # expect: PDSL201

pipeline = Pipeline(name="reward", targets=[reward])
