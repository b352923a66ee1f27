# seen: https://github.com/ray-project/ray/issues/5635 – No module named 'v2i', from one worker of the cluster
from pipeline_dsl import Pipeline

import recipes_of_the_team  # expect: PDSL101

pipeline = Pipeline(name="assistant", targets=[recipes_of_the_team.sft])
