from pipeline_dsl import Pipeline

from _parts import Judge, TrainReward, sft

reward = TrainReward(base=sft, data=Judge)  # expect: PDSL206

pipeline = Pipeline(name="reward", targets=[reward])
