# seen: https://github.com/LabeliaLabs/distributed-learning-contributivity/issues/184 – `gradit_updates...` was ignored, and the default trained
from pipeline_dsl import Budget, Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], budget=Budget(dollars=500))  # expect: PDSL105
