from pipeline_dsl import Pipeline

from _parts import TrainReward, chats, sft

reward = TrainReward(base=sft, data=chats)  # expect: PDSL201

pipeline = Pipeline(name="reward", targets=[reward])
