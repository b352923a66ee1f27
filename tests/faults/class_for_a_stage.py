# seen: https://github.com/fastai/fastai/issues/1084 – the class was passed, not an instance of it: missing argument `self`, in training
from pipeline_dsl import Pipeline

from _parts import Judge, TrainReward, compared, sft

reward = TrainReward(base=sft, data=Judge, held=compared, learning_rate=1e-5)  # expect: PDSL206

pipeline = Pipeline(name="reward", targets=[reward])
