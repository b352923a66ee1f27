from pipeline_dsl import Pipeline

import recipes_of_the_team  # expect: PDSL101

pipeline = Pipeline(name="assistant", targets=[recipes_of_the_team.sft])
