"""An input that may be left out, given, or given as None."""

from _studio import Dpo, TrainReward, judged, prompts, sft

from pipeline_dsl import Pipeline

left_out = Dpo(policy=sft, data=judged, prompts=prompts)
none = Dpo(policy=sft, data=judged, prompts=prompts, reward=None, beta=0.2)
given = Dpo(policy=sft, data=judged, prompts=prompts, reward=TrainReward(base=sft, data=judged))

pipeline = Pipeline(name="rewards", targets=[left_out, none, given])
